import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DAY_MS, MINUTE_MS } from '../../../src/core/duration.ts';
import { totpCode } from '../../support/totp-code.ts';
import { type Answer, createVisitor, PERSON, signIn, type Visitor } from '../../support/visitor.ts';
import { LINK_WORLDS, type LinkWorld, openLinkWorld, RAVI } from '../link-world.ts';

const CODE = '/auth/login/totp';
const ENROLMENT = '/auth/login/enrolment';
const FACTOR = '/profile/second-factor';
const AGAIN = '/auth/login?reason=code_expired';

/** Browsers talk to the last node; what others do to the account happens on the first. */
describe.each(LINK_WORLDS)('Signing in with a second factor, on %s,', (_name, open) => {
  let world: LinkWorld;
  let clock: LinkWorld['clock'];
  let visitor: Visitor;
  let secret = '';
  let recoveryCodes: readonly string[] = [];

  beforeAll(async () => {
    const env = { SECOND_FACTOR: 'admins', SESSION_IDLE_TIMEOUT: '8h', SESSION_EXPIRY_TIME: 'off' };
    world = await openLinkWorld(open, env);
    ({ clock } = world);
  });
  afterAll(() => world.close());

  beforeEach(() => {
    visitor = createVisitor(world.last.origin);
    // Each code counts once.
    clock.advance(MINUTE_MS);
  });

  const codeOf = (base32: string) => totpCode(base32, clock.now());
  const wrongCode = () => (codeOf(secret) === '000000' ? '111111' : '000000');
  const secretOn = ({ text }: Answer) =>
    (/<code>([A-Z2-7 ]{39})<\/code>/.exec(text)?.[1] ?? '').replaceAll(' ', '');
  const codesOn = ({ text }: Answer) =>
    [...text.matchAll(/<code>((?:[a-z2-9]{4}-){5}[a-z2-9]{4})<\/code>/g)].map(([, code]) => code ?? '');
  const enrol = async (action: string): Promise<Answer> => {
    const page = await visitor.get(action);
    const sealed = /name="sealed" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
    const _csrf = /name="_csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
    const send = (code: string) =>
      visitor.post(action, { sealed, _csrf, code }, { Origin: world.last.origin });
    const refused = await send(codeOf(secretOn(page)) === '000000' ? '111111' : '000000');
    expect([refused.status, secretOn(refused)]).toEqual([400, secretOn(page)]);
    secret = secretOn(page);
    return send(codeOf(secret));
  };
  const events = async () => {
    const { db } = world.first.infrastructure.database;
    return (await db.selectFrom('audit_log').select('type').orderBy('id').execute()).map(({ type }) => type);
  };

  it('lets the first account in without one in its first week, and reminds it', async () => {
    expect((await signIn(visitor)).location).toBe('/dashboard');
    expect((await visitor.get('/dashboard')).text).toContain(`href="${FACTOR}"`);
  });

  it('has who must have one enrol it before anything else', async () => {
    clock.advance(7 * DAY_MS);
    const { location } = await visitor.submit('/auth/login', { ...PERSON, returnTo: '/symbols' });
    expect(location).toBe(`${ENROLMENT}?returnTo=%2Fsymbols`);
    for (const path of ['/dashboard', '/profile/password', FACTOR])
      expect((await visitor.get(path)).location, path).toContain('/auth/login?reason=login_required');
    expect((await visitor.get(CODE)).location).toBe(AGAIN);
    await visitor.submit('/auth/login', PERSON);
    const done = await enrol(ENROLMENT);
    recoveryCodes = codesOn(done);
    expect(recoveryCodes.length).toBe(10);
    expect((await visitor.get('/dashboard')).status).toBe(200);
    expect((await visitor.get(ENROLMENT)).location).toBe(AGAIN);
    expect(await events()).toContain('totp.enrolled');
  });

  it('asks for a code behind the password, and only then there is a session', async () => {
    const { location } = await visitor.submit('/auth/login', { ...PERSON, returnTo: '/symbols' });
    expect(location).toBe(`${CODE}?returnTo=%2Fsymbols`);
    expect((await visitor.get('/dashboard')).status).toBe(303);
    expect((await visitor.get(ENROLMENT)).location).toBe(AGAIN);
    await visitor.submit('/auth/login', PERSON);
    const refused = await visitor.submit(CODE, { code: wrongCode() });
    expect([refused.status, refused.text]).toEqual([
      401,
      expect.stringContaining('The code is wrong or was used.'),
    ]);
    const done = await visitor.submit(CODE, { code: codeOf(secret), returnTo: '/symbols' });
    expect(done.location).toBe('/symbols');
    expect((await visitor.get('/symbols')).status).toBe(200);
    expect((await visitor.get(CODE)).location).toBe(AGAIN);
    expect((await events()).slice(-2)).toEqual(['login.failed', 'login.succeeded']);
  });

  /** One browser on each node, or two on the only one: what they get, and how many of them are in. */
  async function signInAtOnce(code: string): Promise<{ statuses: number[]; signedIn: number }> {
    const browsers = [createVisitor(world.first.origin), visitor];
    for (const browser of browsers) await browser.submit('/auth/login', PERSON);
    const answers = await Promise.all(browsers.map((browser) => browser.submit(CODE, { code })));
    const pages = await Promise.all(browsers.map((browser) => browser.get('/dashboard')));
    return {
      statuses: answers.map(({ status }) => status).sort(),
      signedIn: pages.filter(({ status }) => status === 200).length,
    };
  }

  it('takes a code once, of two browsers that send it at once', async () => {
    expect(await signInAtOnce(codeOf(secret))).toEqual({ statuses: [303, 401], signedIn: 1 });
  });

  it('is good for one sign-in: a copy of its cookie begins nothing with another code', async () => {
    await visitor.submit('/auth/login', PERSON);
    const copied = visitor.cookie('curfew-pending');
    await visitor.submit(CODE, { code: codeOf(secret) });
    expect((await visitor.get('/dashboard')).status).toBe(200);
    clock.advance(MINUTE_MS);
    const thief = createVisitor(world.last.origin);
    thief.useCookie('curfew-pending', copied);
    const _csrf = await thief.csrfTokenOf('/auth/login');
    const refused = await thief.post(CODE, { code: codeOf(secret), _csrf }, { Origin: world.last.origin });
    expect(refused.location).toBe('/auth/login?reason=code_sent_twice');
    expect((await thief.get('/dashboard')).status).toBe(303);
  });

  it('takes a form that is sent twice at once for one sign-in, and leads on', async () => {
    await visitor.submit('/auth/login', PERSON);
    const fields = { code: codeOf(secret), returnTo: '/symbols', _csrf: await visitor.csrfTokenOf(CODE) };
    const send = () => visitor.post(CODE, fields, { Origin: world.last.origin });
    const answers = await Promise.all([send(), send()]);
    expect(answers.map(({ location }) => location).sort()).toEqual([
      '/auth/login?reason=code_sent_twice&returnTo=%2Fsymbols',
      '/symbols',
    ]);
    const second = answers.find(({ location }) => location.startsWith('/auth/login'));
    expect((await visitor.get(second?.location ?? '')).location).toBe('/symbols');
  });

  it('takes password and code on one page of a browser that signed in so before, and of no other', async () => {
    expect((await visitor.get('/auth/login')).text).not.toContain('name="code"');
    await visitor.submit('/auth/login', PERSON);
    await visitor.submit(CODE, { code: codeOf(secret) });
    await visitor.submit('/auth/logout', {}, '/auth/logout');
    clock.advance(MINUTE_MS);
    const page = await visitor.get('/auth/login');
    expect(page.text).toContain('name="code"');
    expect(page.text).toContain(`value="${PERSON.username}"`);
    const wrong = await visitor.submit('/auth/login', { ...PERSON, code: wrongCode() });
    expect([wrong.status, wrong.text]).toEqual([401, expect.stringContaining('The code is wrong')]);
    const right = { ...PERSON, code: codeOf(secret), returnTo: '/symbols' };
    expect((await visitor.submit('/auth/login', right)).location).toBe('/symbols');
    await visitor.submit('/auth/logout', {}, '/auth/logout');
    const forgotten = await visitor.submit('/auth/login/other', {}, '/auth/login');
    expect((await visitor.get(forgotten.location)).text).not.toContain('name="code"');
  });

  it('takes a recovery code once, also at once, and after a restart', async () => {
    const [code = ''] = recoveryCodes;
    expect(await signInAtOnce(code)).toEqual({ statuses: [303, 401], signedIn: 1 });
    await world.restart();
    for (const node of world.nodes) {
      const other = createVisitor(node.origin);
      await other.submit('/auth/login', PERSON);
      expect((await other.submit(CODE, { code })).status).toBe(401);
    }
  });

  it('begins anew after five wrong codes, and after five minutes', async () => {
    await visitor.submit('/auth/login', PERSON);
    await visitor.submit(CODE, { code: codeOf(secret) });
    const known = visitor;
    await known.submit('/auth/logout', {}, '/auth/logout');
    clock.advance(MINUTE_MS);
    await known.submit('/auth/login', PERSON);
    for (let tries = 0; tries < 5; tries += 1)
      expect((await known.submit(CODE, { code: wrongCode() })).status).toBe(401);
    expect((await known.submit(CODE, { code: codeOf(secret) })).location).toBe(AGAIN);

    await known.submit('/auth/login', PERSON);
    clock.advance(5 * MINUTE_MS - 1);
    expect((await known.get(CODE)).status).toBe(200);
    clock.advance(1);
    expect((await known.get(CODE)).location).toBe(AGAIN);
  });

  it('is over where the password changes or the factor goes between password and code', async () => {
    const { users, accounts } = world.first.services;
    const asha = await users.findCredentials(PERSON.username);
    if (asha === undefined) throw new Error('no account');
    await visitor.submit('/auth/login', PERSON);
    await users.setPassword(asha.user.id, await accounts.hasher.hash('another-quiet-harbour'));
    expect((await visitor.get(CODE)).location).toBe(AGAIN);
    await users.setPassword(asha.user.id, asha.passwordHash);

    await visitor.submit('/auth/login', PERSON);
    const token = await visitor.csrfTokenOf(CODE);
    expect(await accounts.userAdmin.resetFactors(PERSON.username, { actor: 'cli' })).toMatchObject({
      kind: 'reset',
    });
    const late = { code: codeOf(secret), _csrf: token };
    expect((await visitor.post(CODE, late, { Origin: world.last.origin })).location).toBe(AGAIN);
    expect((await visitor.submit('/auth/login', PERSON)).location).toBe(ENROLMENT);
    await enrol(ENROLMENT);
    clock.advance(MINUTE_MS);
  });

  it('asks for a code where it asks for the password again, and in the password’s own form', async () => {
    await visitor.submit('/auth/login', PERSON);
    await visitor.submit(CODE, { code: codeOf(secret) });
    clock.advance(30 * MINUTE_MS);
    const { location } = await visitor.get(FACTOR);
    expect(location).toContain('/auth/confirm');
    const { password } = PERSON;
    const confirm = (code: string) => visitor.submit('/auth/confirm', { password, code, returnTo: FACTOR });
    for (const code of ['', wrongCode()]) {
      const refused = await confirm(code);
      expect([refused.status, refused.text]).toEqual([
        403,
        expect.stringContaining('The password or the code is wrong, or the code was used already'),
      ]);
    }
    expect((await visitor.get(FACTOR)).status).toBe(303);
    expect((await confirm(codeOf(secret))).location).toBe(FACTOR);
    expect((await visitor.get(FACTOR)).text).toContain('Recovery codes left');

    const change = { currentPassword: password, newPassword: 'another-quiet-harbour', others: 'keep' };
    expect((await visitor.submit('/profile/password', change)).status).toBe(403);
  });

  it('renews recovery codes, and removes the factor after a question', async () => {
    await visitor.submit('/auth/login', PERSON);
    await visitor.submit(CODE, { code: codeOf(secret) });
    const renewed = await visitor.submit(`${FACTOR}/recovery-codes`, {}, FACTOR);
    expect(codesOn(renewed).length).toBe(10);
    expect((await visitor.get(`${FACTOR}/removal`)).text).toContain('at your next sign-in at the latest');
    const removed = await visitor.submit(`${FACTOR}/removal`);
    expect((await visitor.get(removed.location)).text).toContain('is removed');
    const codes = codesOn(await enrol(FACTOR));
    expect(codes.length).toBe(10);
    expect(codes).not.toEqual(codesOn(renewed));
  });

  it('takes no secret that was sealed for another user, or long ago', async () => {
    await world.first.services.accounts.userAdmin.resetFactors(PERSON.username, { actor: 'cli' });
    await visitor.submit('/auth/login', PERSON);
    const page = await visitor.get(ENROLMENT);
    const sealed = /name="sealed" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
    const ravi = createVisitor(world.last.origin);
    await signIn(ravi, RAVI);
    const stolen = await ravi.submit(FACTOR, { sealed, code: codeOf(secretOn(page)) });
    expect([stolen.status, stolen.text]).toEqual([400, expect.stringContaining('open for too long')]);
    expect(secretOn(stolen)).not.toBe(secretOn(page));
  });
});
