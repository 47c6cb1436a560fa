import argon2 from 'argon2';
import request from 'supertest';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { unavailable } from '../../src/errors.ts';
import { type AccountsApp, createAccountsApp, PASSWORD } from './accounts-app.ts';

const WRONG = 'The username or the password is wrong.';

describe('the sign-in page', () => {
  let house: AccountsApp;
  beforeEach(async () => {
    house = await createAccountsApp();
    await house.createUser('asha');
  });
  afterEach(() => house.close());

  const open = (query = '') => request(house.app).get(`/auth/login${query}`).set('Accept', 'text/html');
  interface Client {
    readonly address?: string;
    readonly cookie?: string;
  }
  const submit = (fields: object, { address = '203.0.113.9', cookie = '' }: Client = {}) =>
    request(house.app)
      .post('/auth/login')
      .set('Accept', 'text/html')
      .set('X-Forwarded-For', address)
      .set('Cookie', cookie)
      .type('form')
      .send(fields);
  const right = { username: 'asha', password: PASSWORD };
  const wrong = { username: 'asha', password: 'not this one' };
  const cookieOf = (answer: request.Response, name: string) =>
    [answer.headers['set-cookie'] ?? []]
      .flat()
      .find((cookie) => cookie.startsWith(`${name}=`))
      ?.split(';')[0] ?? '';
  const failures = () =>
    house.audit.recorded.flatMap(({ event }) => (event.type === 'login.failed' ? [event] : []));

  it('signs in with the right password and goes to the dashboard', async () => {
    const answer = await submit(right);
    expect(answer.status).toBe(303);
    expect(answer.headers['location']).toBe('/dashboard');
    expect(house.signIn.mock.calls[0]?.[2]).toMatchObject({ username: 'asha', role: 'user' });
    expect(house.audit.recorded).toMatchObject([
      {
        event: { type: 'login.succeeded', device: 'device-1' },
        origin: { actor: 'asha', address: '203.0.113.9' },
      },
    ]);
  });

  it('goes back to where the person was, on this origin only', async () => {
    expect((await submit({ ...right, returnTo: '/broker?id=1' })).headers['location']).toBe('/broker?id=1');
    for (const returnTo of [
      '//evil.example',
      '/\\evil.example',
      'https:evil',
      'javascript:alert(1)',
      ['/broker', '/sessions'],
    ])
      expect((await submit({ ...right, returnTo })).headers['location']).toBe('/dashboard');
  });

  it('offers the way back in the form, if it is one', async () => {
    expect((await open('?returnTo=/broker')).text).toContain('name="returnTo" value="/broker"');
    expect((await open('?returnTo=//evil.example')).text).not.toContain('evil');
  });

  it.each([
    ['login_required', 'Sign in to see that page.'],
    ['cutoff', 'The trading day has ended'],
    ['idle', 'was not used for a while'],
    ['revoked', 'Your session was ended.'],
    ['logged_out', 'You are signed out.'],
    ['setup_done', 'Your account is ready.'],
    ['form_expired', 'The form had expired'],
  ])('says why somebody is there: %s', async (reason, sentence) => {
    expect((await open(`?reason=${reason}`)).text).toContain(sentence);
  });

  it.each([
    '?reason=pay+here',
    '?reason=constructor',
    '?reason=toString',
    '?reason=cutoff&reason=idle',
    '?reason[]=cutoff',
  ])('says nothing for %s', async (query) => {
    const answer = await open(query);
    expect(answer.status).toBe(200);
    expect(answer.text).not.toContain('role="status"');
  });

  it('passes on who is signed in already', async () => {
    const cookie = cookieOf(await submit(right), 'connect.sid');
    const again = await open('?returnTo=/broker').set('Cookie', cookie);
    expect(again.status).toBe(303);
    expect(again.headers['location']).toBe('/broker');
    expect((await open().set('Cookie', cookie)).headers['location']).toBe('/dashboard');
  });

  it('sends the first person ever to the setup', async () => {
    const empty = await createAccountsApp();
    const answer = await request(empty.app).get('/auth/login');
    expect(answer.status).toBe(303);
    expect(answer.headers['location']).toBe('/setup');
    await empty.close();
  });

  it('answers a wrong password, an unknown user and a disabled one with the same page', async () => {
    const ravi = await house.createUser('ravi');
    await house.users.setDisabled(ravi.id, true);
    const answers = [
      await submit(wrong),
      await submit({ ...right, username: 'kabi' }),
      await submit({ ...right, username: 'ravi' }),
    ];
    const bodies = answers.map((answer) => answer.text.replaceAll(/value="(asha|kabi|ravi)"/g, 'value=""'));
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([401]));
    expect(new Set(bodies).size).toBe(1);
    expect(bodies[0]).toContain(WRONG);
    expect(failures()).toMatchObject([
      { type: 'login.failed', username: 'asha', why: 'credentials' },
      { type: 'login.failed', username: '(no such account)', why: 'credentials' },
      { type: 'login.failed', username: 'ravi', why: 'disabled' },
    ]);
    expect(house.signIn).not.toHaveBeenCalled();
  });

  it('keeps the username and the way back after a mistake, and forgets the password', async () => {
    const answer = await submit({ ...wrong, returnTo: '/broker' });
    expect(answer.text).toContain('value="asha"');
    expect(answer.text).toContain('value="/broker"');
    expect(answer.text).not.toContain('not this one');
  });

  it('refuses as wrong who was disabled while they signed in', async () => {
    house.signIn.mockImplementationOnce(async (_req, _res, user, confirmCredentials) => {
      await house.users.setDisabled(user.userId, true);
      return (await confirmCredentials()) ? 'signed_in' : 'refused';
    });
    const answer = await submit(right);
    expect(answer.status).toBe(401);
    expect(answer.text).toContain(WRONG);
    expect(cookieOf(answer, 'curfew-device')).toBe('');
  });

  it('does not write down what was typed into the wrong field', async () => {
    await submit({ username: 'my secret pass phrase!', password: 'asha' });
    await submit({ username: 'Monsoon-harbour-42', password: 'asha' });
    expect(failures()).toEqual(
      Array(2).fill({
        type: 'login.failed',
        username: '(no such account)',
        why: 'credentials',
        program: 'Unknown device',
      }),
    );
    for (let i = 0; i < 5; i += 1) await submit({ username: 'Monsoon-harbour-42', password: 'asha' });
    expect(failures().at(-1)).toMatchObject({ username: '(no such account)', why: 'rate_limited' });
  });

  it.each([
    ['nothing', {}],
    ['no password', { username: 'asha', password: '' }],
    ['a username of 257 characters', { username: 'x'.repeat(257), password: PASSWORD }],
    ['a password of 1025 characters', { username: 'asha', password: 'x'.repeat(1025) }],
  ])('refuses %s without hashing anything', async (_what, fields) => {
    const verify = vi.spyOn(argon2, 'verify');
    const answer = await submit(fields);
    expect(answer.status).toBe(400);
    expect(answer.text).toContain('role="alert"');
    expect(verify).not.toHaveBeenCalled();
  });

  describe('after five wrong passwords in a minute', () => {
    beforeEach(async () => {
      for (let i = 0; i < 5; i += 1) expect((await submit(wrong)).status).toBe(401);
    });

    it('shows the form with 429, Retry-After and a sentence, also to the right password', async () => {
      const answer = await submit(right);
      expect(answer.status).toBe(429);
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(50);
      expect(answer.text).toContain('Too many attempts. Try again in');
      expect(answer.text).toContain('action="/auth/login"');
      expect(house.signIn).not.toHaveBeenCalled();
    });

    it('records the limit once, and not each attempt past it', async () => {
      await submit(wrong);
      await submit(wrong);
      expect(failures().filter((event) => event.why === 'rate_limited')).toHaveLength(1);
    });

    it('treats unknown users the same', async () => {
      const answer = await submit({ ...wrong, username: 'nobody' });
      expect(answer.status).toBe(429);
      for (let i = 0; i < 5; i += 1)
        expect((await submit({ ...wrong, username: 'nobody' }, { address: '203.0.113.10' })).status).toBe(
          401,
        );
      expect((await submit({ ...wrong, username: 'nobody' }, { address: '203.0.113.10' })).status).toBe(429);
    });

    it('leaves other addresses alone', async () => {
      expect((await submit(right, { address: '203.0.113.10' })).status).toBe(303);
    });
  });

  it('counts no success: six people of one office sign in within a minute', async () => {
    for (let i = 0; i < 6; i += 1) expect((await submit(right)).status).toBe(303);
    for (let i = 0; i < 5; i += 1) expect((await submit(wrong)).status).toBe(401);
  });

  it('hashes at most five of ten wrong attempts at the same time', async () => {
    const verify = vi.spyOn(argon2, 'verify');
    const answers = await Promise.all(Array.from({ length: 10 }, () => submit(wrong)));
    expect(verify).toHaveBeenCalledTimes(5);
    expect(answers.filter((answer) => answer.status === 429)).toHaveLength(5);
  });

  it('does not let strangers lock an owner out of a browser that signed in before', async () => {
    const device = cookieOf(await submit(right), 'curfew-device');
    expect(device).not.toBe('');
    for (let i = 0; i < 50; i += 1) await submit(wrong, { address: `198.51.100.${i % 10}` });
    for (let i = 0; i < 6; i += 1) await submit(wrong);
    expect((await submit(right)).status).toBe(429);
    expect((await submit(right, { cookie: device })).status).toBe(303);
  });

  describe('after fifty guesses at a name from ten networks', () => {
    /** Without the work of hashing, which is not the question here. */
    async function guess(username: string) {
      const verify = vi.spyOn(argon2, 'verify').mockResolvedValue(false);
      for (let i = 0; i < 50; i += 1) {
        const address = `2001:db8:${i % 10}::1`;
        expect((await submit({ ...wrong, username }, { address })).status).toBe(401);
      }
      verify.mockRestore();
    }

    it('lets the owner in with a new device elsewhere', async () => {
      await guess('asha');
      expect((await submit(right, { address: '192.0.2.50' })).status).toBe(303);
    });

    it('answers the next wrong one the same, whether or not the name is known', async () => {
      const answers = [];
      for (const username of ['asha', 'kabi']) {
        await guess(username);
        const answer = await submit({ ...wrong, username }, { address: '192.0.2.50' });
        answers.push([answer.status, answer.text.replace(`value="${username}"`, '')]);
        await house.close();
        house = await createAccountsApp();
        await house.createUser('asha');
      }
      expect(answers[0]?.[0]).toBe(401);
      expect(answers[1]).toEqual(answers[0]);
    });
  });

  it('limits guessing from a known browser too, by itself', async () => {
    const device = cookieOf(await submit(right), 'curfew-device');
    for (let i = 0; i < 5; i += 1) expect((await submit(wrong, { cookie: device })).status).toBe(401);
    expect((await submit(right, { cookie: device })).status).toBe(429);
    expect((await submit(right)).status).toBe(303);
  });

  it('lets nobody guess at one account with another’s device cookie', async () => {
    await house.createUser('ravi');
    const device = cookieOf(await submit({ ...right, username: 'ravi' }), 'curfew-device');
    for (let i = 0; i < 5; i += 1) await submit(wrong, { cookie: device });
    expect((await submit(wrong)).status).toBe(429);
  });

  it('holds no fault of its own against anybody', async () => {
    vi.spyOn(house.hasher, 'match').mockRejectedValue(unavailable('Checking passwords', undefined, 2));
    for (let i = 0; i < 7; i += 1) {
      const answer = await submit(right);
      expect(answer.status).toBe(503);
      expect(answer.headers['retry-after']).toBe('2');
    }
    vi.restoreAllMocks();
    expect((await submit(wrong)).status).toBe(401);
  });

  it('answers programs in JSON with the codes of the contract', async () => {
    const post = (fields: object) => request(house.app).post('/auth/login').send(fields);
    expect((await post({ username: 7 })).body).toMatchObject({
      error: 'invalid',
      fields: { username: 'Enter your username.', password: 'Enter your password.' },
    });
    const refused = await post(wrong);
    expect(refused.status).toBe(401);
    expect(refused.body).toEqual({ status: 'error', error: 'login_required', message: WRONG });
    for (let i = 0; i < 4; i += 1) await post(wrong);
    const limited = await post(wrong);
    expect(limited.status).toBe(429);
    expect(limited.headers['retry-after']).toMatch(/^\d+$/);
    expect(limited.body).toMatchObject({ status: 'error', error: 'rate_limited' });
  });

  it('survives bodies that are no form', async () => {
    for (const body of ['null', '[]', '"text"', '7'])
      expect(
        (await request(house.app).post('/auth/login').set('Content-Type', 'application/json').send(body))
          .status,
      ).toBe(400);
  });
});
