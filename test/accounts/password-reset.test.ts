import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateTotpSecret } from '../../src/accounts/second-factor/totp.ts';
import { MINUTE_MS } from '../../src/core/duration.ts';
import { makeKey } from '../api/api-client.ts';
import { eventually } from '../support/eventually.ts';
import { createSecretHunt } from '../support/secret-hunt.ts';
import { totpCode } from '../support/totp-code.ts';
import { type Answer, connectSandbox, createVisitor, PERSON, signIn } from '../support/visitor.ts';
import {
  LINK_WORLDS,
  type LinkWorld,
  linkPathIn,
  NEW_PASSWORD,
  ORIGIN,
  openLinkWorld,
  RAVI,
} from './link-world.ts';

/** Has a form, and so a token for others. */
const RESET = '/auth/reset';
const OVER = 'This link does not work any more';

describe.each(LINK_WORLDS)('a password reset, on %s,', (_name, open) => {
  let world: LinkWorld;
  beforeAll(async () => {
    world = await openLinkWorld(open);
  });
  afterAll(() => world.close());

  const visitorOf = (node = world.last) => createVisitor(node.origin);

  async function linkByMail(username: string = RAVI.username): Promise<string> {
    const asked = await visitorOf(world.first).submit('/auth/reset', { username });
    expect(asked).toMatchObject({ status: 303, location: '/auth/reset?notice=sent' });
    return linkPathIn((await nextMail()).text);
  }

  /** By an administrator: mails to one account are few. */
  const newLink = async (): Promise<string> =>
    (await world.first.services.accounts.resetRequests.forUser(world.ravi, 'administrator', ORIGIN)).path;

  const nextMail = () =>
    eventually(async () => {
      await world.deliver();
      const index = world.mail.received.findIndex(({ subject }) => subject.includes('Reset'));
      const [mail] = index < 0 ? [] : world.mail.received.splice(index, 1);
      if (mail === undefined) throw new Error('No mail yet');
      return mail;
    });

  const choose = (path: string, password: string, node = world.last): Promise<Answer> =>
    visitorOf(node).submit(path, { password }, RESET);

  /** Back to the password that the other tests know. */
  const restore = () =>
    world.first.services.accounts.userAdmin.resetPassword(RAVI.username, RAVI.password, ORIGIN);

  it('comes by mail, works on another device, signs nobody in, and ends everything of the person', async () => {
    const person = visitorOf();
    await signIn(person, RAVI);
    await connectSandbox(person);
    await makeKey(person);
    const path = await linkByMail();

    const phone = visitorOf();
    const page = await phone.get(path);
    expect(page.headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'strict-origin' });
    expect(page.text).toContain('ravi');
    expect((await phone.get(path)).status).toBe(200);
    expect((await person.get('/dashboard')).status).toBe(200);

    const done = await phone.submit(path, { password: NEW_PASSWORD });
    expect(done).toMatchObject({ status: 303, location: '/auth/login?reason=password_reset' });
    expect((await phone.get('/dashboard')).location).toContain('login_required');
    expect((await person.get('/dashboard')).location).toContain('reason=revoked');
    const { db } = world.first.infrastructure.database;
    const keys = await db.selectFrom('api_keys').select('revoked_at').execute();
    expect(keys.every(({ revoked_at }) => revoked_at !== null)).toBe(true);
    const tokens = await db.selectFrom('broker_tokens').select('is_revoked').execute();
    expect(tokens.every(({ is_revoked }) => is_revoked === 1)).toBe(true);

    await signIn(phone, { ...RAVI, password: NEW_PASSWORD });
    expect((await phone.get('/dashboard')).text).toContain('The password was changed');
    const types = (await db.selectFrom('audit_log').select('type').execute()).map(({ type }) => type);
    expect(types).toEqual(expect.arrayContaining(['reset.requested', 'account.password_reset']));
    await restore();
  });

  it('is done by a link once: a second time, at once on two nodes, and after a restart it is over', async () => {
    const path = await newLink();
    const answers = await Promise.all([
      choose(path, `${NEW_PASSWORD} first`, world.first),
      choose(path, `${NEW_PASSWORD} second`, world.last),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([303, 404]);
    expect((await choose(path, NEW_PASSWORD)).text).toContain(OVER);

    const kept = await newLink();
    await world.restart();
    expect((await visitorOf().get(path)).text).toContain(OVER);
    expect((await choose(kept, NEW_PASSWORD)).status).toBe(303);
    expect((await choose(kept, RAVI.password)).text).toContain(OVER);
    await restore();
  });

  it('lets every other link of the person die with the one that was used', async () => {
    const [older, newer] = [await newLink(), await newLink()];
    expect((await visitorOf().get(older)).status).toBe(200);
    expect((await choose(newer, NEW_PASSWORD)).status).toBe(303);
    expect((await visitorOf().get(older)).status).toBe(404);
    await restore();
  });

  it('is over when the password or the email address changes, or the account is disabled', async () => {
    const { users, accounts } = world.first.services;
    const owner = visitorOf();
    await signIn(owner, RAVI);
    const change = (newPassword: string, others: 'end' | 'keep') =>
      owner.submit('/profile/password', { currentPassword: RAVI.password, newPassword, others });
    const ends = [
      () => change(NEW_PASSWORD, 'keep'),
      restore,
      () => users.setEmail(world.ravi.id, RAVI.email, { isConfirmed: true }),
      async () => {
        await accounts.userAdmin.disable(RAVI.username, ORIGIN);
        await accounts.userAdmin.enable(RAVI.username, ORIGIN);
      },
    ];
    for (const end of ends) {
      const path = await newLink();
      expect((await visitorOf().get(path)).status).toBe(200);
      await end();
      expect((await visitorOf().get(path)).status).toBe(404);
    }
  });

  it('has ten minutes, and a password that is refused uses nothing up', async () => {
    const path = await newLink();
    const weak = await choose(path, 'password');
    expect(weak.status).toBe(400);
    expect(weak.text).not.toContain(OVER);
    world.clock.advance(10 * MINUTE_MS - 1);
    expect((await visitorOf().get(path)).status).toBe(200);
    world.clock.advance(1);
    expect((await visitorOf().get(path)).status).toBe(404);
    expect((await choose(path, NEW_PASSWORD)).status).toBe(404);
  });

  it('answers the same for people who are there and who are not', async () => {
    const answers = [];
    for (const username of ['ravi', 'nobody-at-all', RAVI.email, 'x@example.org', '<script>'])
      answers.push(await visitorOf().submit('/auth/reset', { username }));
    expect(new Set(answers.map(({ status, location }) => `${status} ${location}`)).size).toBe(1);
    await eventually(async () => {
      await world.deliver();
      expect(world.mail.received.filter(({ subject }) => subject.includes('Reset'))).toHaveLength(2);
    });
    world.mail.received.splice(0);
  });

  it('by a recovery code uses them all up, and leaves the second factor', async () => {
    const { secondFactor } = world.first.services.accounts;
    const secret = generateTotpSecret();
    const code = totpCode(secret, world.clock.now());
    const enrolled = await secondFactor.enrol({ userId: world.ravi.id, secret }, code, ORIGIN);
    const [recoveryCode = '', other = ''] = enrolled.kind === 'enrolled' ? enrolled.recoveryCodes : [];

    const twice = await Promise.all(
      [world.first, world.last].map((node) =>
        visitorOf(node).submit('/auth/reset', { username: 'ravi', code: recoveryCode }),
      ),
    );
    expect(twice.map(({ status }) => status).sort()).toEqual([303, 403]);
    const path = twice.find(({ status }) => status === 303)?.location ?? '';
    const wrong = await visitorOf().submit('/auth/reset', { username: 'ravi', code: recoveryCode });
    const unknown = await visitorOf().submit('/auth/reset', { username: 'nobody', code: other });
    expect([wrong.status, unknown.status]).toEqual([403, 403]);
    expect(wrong.text).toContain('is wrong, or the code was used before');
    expect((await visitorOf().get(path)).text).toContain('Your other recovery codes become void');
    expect((await choose(path, NEW_PASSWORD)).status).toBe(303);

    expect(await secondFactor.stateOf(world.ravi.id)).toMatchObject({
      enrolledAt: world.clock.now(),
      recoveryCodesLeft: 0,
    });
    const login = await visitorOf().submit('/auth/login', { username: 'ravi', password: NEW_PASSWORD });
    expect(login.location).toContain('/auth/login/totp');
    for (let guess = 0; guess < 12; guess += 1)
      await visitorOf(world.first).submit('/auth/reset', { username: 'ravi', code: 'wrong' });
    const { db } = world.first.infrastructure.database;
    const rows = await db.selectFrom('audit_log').select('id').where('type', '=', 'reset.refused').execute();
    expect(rows.length).toBeLessThanOrEqual(10 * world.nodes.length);
    const again = await visitorOf().submit('/auth/reset', { username: 'ravi', code: other });
    expect(again.status).toBe(403);
    await secondFactor.remove(world.ravi.id, ORIGIN);
    await restore();
  });

  it('by an administrator is a link that is shown once, and changes nothing by itself', async () => {
    const admin = visitorOf();
    await signIn(admin);
    const shown = await admin.submit(`/users/${world.ravi.id}/reset-link`);
    expect(shown.headers['cache-control']).toBe('no-store');
    await signIn(visitorOf(), RAVI);
    expect((await choose(linkPathIn(shown.text), NEW_PASSWORD)).status).toBe(303);
    await restore();
    await world.first.services.accounts.userAdmin.disable('ravi', ORIGIN);
    expect((await admin.submit(`/users/${world.ravi.id}/reset-link`)).status).toBe(403);
    await world.first.services.accounts.userAdmin.enable('ravi', ORIGIN);
  });

  it('leaves no token in the database, in Redis or in a log', async () => {
    const hunt = createSecretHunt();
    const path = await linkByMail(PERSON.username);
    hunt.add('the token of the link', path.split('/').at(-1) ?? '');
    await visitorOf().get(path);
    await visitorOf().get(`${path}x`);
    await choose(path, 'password');
    for (const node of world.nodes) expect(hunt.inText(node.logText(), 'a log line')).toEqual([]);
    expect(await hunt.inDatabase(world.first.infrastructure.database)).toEqual([]);
    if (world.redisUrl !== undefined) expect(await hunt.inRedis(world.redisUrl)).toEqual([]);
  });
});

describe('an administrator who must have a second factor', () => {
  it('resets nobody’s without having one', async () => {
    const world = await openLinkWorld(LINK_WORLDS[0][1], { SECOND_FACTOR: 'admins' });
    try {
      const { secondFactor } = world.first.services.accounts;
      const secret = generateTotpSecret();
      const code = totpCode(secret, world.clock.now());
      await secondFactor.enrol({ userId: world.ravi.id, secret }, code, ORIGIN);
      // In the first days of a server its first account signs in without.
      const admin = createVisitor(world.first.origin);
      await signIn(admin);
      const refused = await admin.submit(`/users/${world.ravi.id}/factors`);
      expect({ status: refused.status, location: refused.location }).toEqual({ status: 403, location: '' });
      expect(refused.text).toContain('Set up a second factor of your own first');
      expect(await secondFactor.has(world.ravi.id)).toBe(true);
    } finally {
      await world.close();
    }
  });
});

describe('RESET_RATE_LIMIT', () => {
  it('holds for an address; mails to an account have a window of their own, which leaves other mails alone', async () => {
    const world = await openLinkWorld(LINK_WORLDS[0][1], {
      RESET_RATE_LIMIT: '4/hour',
      TRUST_PROXY: '127.0.0.1',
    });
    try {
      const ask = async (address: string, fields: Readonly<Record<string, string>>) => {
        const visitor = createVisitor(world.first.origin);
        const token = await visitor.csrfTokenOf('/auth/reset');
        const headers = { Origin: world.first.origin, 'X-Forwarded-For': address };
        return visitor.post('/auth/reset', { ...fields, _csrf: token }, headers);
      };
      const statuses = [];
      for (let attempt = 0; attempt < 5; attempt += 1)
        statuses.push((await ask('203.0.113.1', { username: 'ravi' })).status);
      expect(statuses).toEqual([303, 303, 303, 303, 429]);
      const code = 'k7mq-2hd9-wn4t-b6yc';
      for (let attempt = 0; attempt < 4; attempt += 1)
        expect((await ask('203.0.113.2', { username: 'ravi', code })).status).toBe(403);
      expect((await ask('203.0.113.2', { username: 'ravi', code })).headers['retry-after']).toBeDefined();
      expect((await ask('203.0.113.3', { username: 'ravi' })).status).toBe(303);
      expect((await ask('203.0.113.3', { username: PERSON.username })).status).toBe(303);
      const { accounts } = world.first.services;
      await accounts.resetRequests.finishing.stop();
      await accounts.userAdmin.resetPassword('ravi', RAVI.password, ORIGIN);
      await world.deliver();
      expect(world.mail.received.map(({ to, subject }) => `${to}: ${subject}`).sort()).toEqual([
        `${PERSON.email}: Reset your Curfew password`,
        ...Array.from({ length: 3 }, () => `${RAVI.email}: Reset your Curfew password`),
        `${RAVI.email}: Your Curfew account: an administrator set a new password for you`,
      ]);
    } finally {
      await world.close();
    }
  });
});
