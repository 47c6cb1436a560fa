import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createNoticeStore } from '../../src/accounts/notices/notice-store.ts';
import { DAY_MS } from '../../src/core/duration.ts';
import { eventually } from '../support/eventually.ts';
import { createSecretHunt } from '../support/secret-hunt.ts';
import { createVisitor, signIn, type Visitor } from '../support/visitor.ts';
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
const FORM = '/auth/reset';
const INVITATIONS = '/users/invitations';

describe.each(LINK_WORLDS)('an invitation, on %s,', (_name, open) => {
  let world: LinkWorld;
  let admin: Visitor;
  beforeAll(async () => {
    world = await openLinkWorld(open);
    await signInAdmin();
  });
  afterAll(() => world.close());

  async function signInAdmin(): Promise<void> {
    admin = createVisitor(world.first.origin);
    await signIn(admin);
  }

  const visitorOf = (node = world.last) => createVisitor(node.origin);

  async function invite(fields: Readonly<Record<string, string>> = {}): Promise<string> {
    const shown = await admin.submit(INVITATIONS, { email: '', role: 'user', days: '3', ...fields });
    expect(shown).toMatchObject({ status: 201, headers: { 'cache-control': 'no-store' } });
    return linkPathIn(shown.text);
  }

  const person = (username: string) => ({
    username,
    email: `${username}@example.org`,
    password: NEW_PASSWORD,
  });
  const accept = (path: string, username: string, node = world.last) =>
    visitorOf(node).submit(path, person(username), FORM);

  it('makes the account that an administrator chose the role of, and signs nobody in', async () => {
    const path = await invite({ role: 'viewer' });
    const invited = visitorOf();
    const page = await invited.get(path);
    expect(page.headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'strict-origin' });
    const refused = await invited.submit(path, { ...person('meera'), username: 'ravi' });
    expect(refused.status).toBe(400);
    expect(refused.text).toContain('This username is taken');
    const done = await invited.submit(path, { ...person('meera'), role: 'admin' });
    expect(done).toMatchObject({ status: 303, location: '/auth/login?reason=setup_done' });
    expect((await invited.get('/dashboard')).location).toContain('login_required');
    await signIn(invited, person('meera'));
    expect((await invited.get('/profile')).text).toContain('<dd>Viewer</dd>');
    expect((await admin.get(INVITATIONS)).text).toMatch(/Viewer[\s\S]*Accepted/);
  });

  it('comes by mail, and the address is the account’s', async () => {
    await invite({ email: 'kiran@example.org' });
    await world.deliver();
    const mail = await world.mail.take('kiran@example.org');
    expect(mail.text).toContain('asha invites you');
    const path = linkPathIn(mail.text);
    expect((await visitorOf().get(path)).text).toContain('kiran@example.org');
    const other = { ...person('kiran'), email: 'thief@example.org' };
    expect((await visitorOf().submit(path, other, FORM)).status).toBe(303);
    const user = await world.first.services.users.findByUsername('kiran');
    expect(user).toMatchObject({ email: 'kiran@example.org', role: 'user' });
  });

  it('counts once: a second time, at once on two nodes, and after a restart it is over', async () => {
    const path = await invite();
    const answers = await Promise.all([
      accept(path, 'first-one', world.first),
      accept(path, 'second-one', world.last),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([303, 404]);
    const { users } = world.first.services;
    const made = await Promise.all(['first-one', 'second-one'].map((name) => users.findByUsername(name)));
    expect(made.filter((user) => user !== undefined)).toHaveLength(1);
    expect((await accept(path, 'third-one')).status).toBe(404);
    const kept = await invite();
    await world.restart();
    await signInAdmin();
    expect((await visitorOf().get(path)).status).toBe(404);
    expect((await accept(kept, 'fourth-one')).status).toBe(303);
    expect((await accept(kept, 'fifth-one')).status).toBe(404);
  });

  it('is over when it is revoked, too old, or its administrator no longer is one', async () => {
    const revoked = await invite();
    const [, id] = /invitations\/([\w-]+)\/revocation/.exec((await admin.get(INVITATIONS)).text) ?? [];
    const answer = await admin.submit(`${INVITATIONS}/${id}/revocation`, {}, INVITATIONS);
    expect(answer.location).toContain('notice=revoked');
    expect((await visitorOf().get(revoked)).status).toBe(404);
    expect((await accept(revoked, 'late-one')).status).toBe(404);

    const { userAdmin } = world.first.services.accounts;
    await userAdmin.changeRole('ravi', 'admin', ORIGIN);
    for (const role of ['user', 'viewer'] as const) {
      const ravi = visitorOf();
      await signIn(ravi, RAVI);
      const email = `${role}@example.org`;
      const shown = await ravi.submit(INVITATIONS, { email, role: 'admin', days: '1' });
      const row = async () =>
        new RegExp(`${email}[\\s\\S]*?</tr>`).exec((await admin.get(INVITATIONS)).text)?.[0];
      expect(await row()).toContain('Open');
      await userAdmin.changeRole('ravi', role, ORIGIN);
      expect((await visitorOf().get(linkPathIn(shown.text))).status).toBe(404);
      expect(await row()).toContain('Revoked');
      await userAdmin.changeRole('ravi', 'admin', ORIGIN);
      expect((await visitorOf().get(linkPathIn(shown.text))).status).toBe(404);
      expect((await accept(linkPathIn(shown.text), `late-${role}`)).status).toBe(404);
    }
    const ends = [
      () => userAdmin.resetPassword('ravi', RAVI.password, ORIGIN),
      () => userAdmin.disable('ravi', ORIGIN),
    ];
    for (const end of ends) {
      const maker = visitorOf();
      await signIn(maker, RAVI);
      const made = await maker.submit(INVITATIONS, { email: '', role: 'admin', days: '1' });
      expect((await visitorOf().get(linkPathIn(made.text))).status).toBe(200);
      await end();
      await userAdmin.enable('ravi', ORIGIN);
      expect((await visitorOf().get(linkPathIn(made.text))).status).toBe(404);
    }
    await userAdmin.changeRole('ravi', 'user', ORIGIN);

    const old = await invite({ days: '1' });
    world.clock.advance(DAY_MS - 1);
    expect((await visitorOf().get(old)).status).toBe(200);
    world.clock.advance(1);
    expect((await visitorOf().get(old)).status).toBe(404);
    await signInAdmin();
    expect((await admin.get(INVITATIONS)).text).toContain('Expired');
  });

  it('leaves no token in the database, in Redis or in a log, and its events in the audit log', async () => {
    const hunt = createSecretHunt();
    const path = await invite({ email: 'hunted@example.org' });
    const token = path.split('/').at(-1) ?? '';
    hunt.add('the token of the invitation', token);
    await visitorOf().get(path);
    for (const node of world.nodes) expect(hunt.inText(node.logText(), 'a log line')).toEqual([]);
    expect(await hunt.inDatabase(world.first.infrastructure.database)).toEqual([]);
    if (world.redisUrl !== undefined) expect(await hunt.inRedis(world.redisUrl)).toEqual([]);
    const { db } = world.first.infrastructure.database;
    const types = (await db.selectFrom('audit_log').select('type').execute()).map(({ type }) => type);
    expect(types).toEqual(
      expect.arrayContaining(['invitation.created', 'invitation.revoked', 'invitation.accepted']),
    );
  });
});

describe.each(LINK_WORLDS)('a new device and an email address, on %s,', (_name, open) => {
  let world: LinkWorld;
  beforeAll(async () => {
    world = await openLinkWorld(open);
  });
  afterAll(() => world.close());

  const visitorOf = (node = world.last) => createVisitor(node.origin);

  const mailAbout = (subject: string, to: string = RAVI.email) =>
    eventually(async () => {
      await world.deliver();
      const index = world.mail.received.findIndex(
        (mail) => mail.subject.includes(subject) && mail.to.includes(to),
      );
      const [mail] = index < 0 ? [] : world.mail.received.splice(index, 1);
      if (mail === undefined) throw new Error('No mail yet');
      return mail;
    });

  it('is told on the other sessions’ dashboards and by mail, with a link that ends it', async () => {
    const home = visitorOf(world.first);
    await signIn(home, RAVI);
    await mailAbout('new device');
    const stranger = visitorOf();
    await signIn(stranger, RAVI);
    const path = linkPathIn((await mailAbout('new device')).text);
    expect((await home.get('/dashboard')).text).toContain('A new device signed in');
    expect((await stranger.get('/dashboard')).text.match(/A new device signed in/g)).toHaveLength(1);

    const phone = visitorOf(world.first);
    expect((await phone.get(path)).text).toContain('End this session?');
    expect((await stranger.get('/dashboard')).status).toBe(200);
    const answers = await Promise.all(
      world.nodes.map((node) => visitorOf(node).submit(path, {}, '/auth/reset')),
    );
    for (const { text } of answers) expect(text).toMatch(/That session has ended|does not work any more/);
    expect(answers.some(({ text }) => text.includes('href="/profile/password"'))).toBe(true);
    expect((await stranger.get('/dashboard')).location).toContain('reason=revoked');
    expect((await home.get('/dashboard')).status).toBe(200);
    expect((await phone.get(path)).status).toBe(404);
  });

  it('can be ended or taken for one’s own from the page', async () => {
    const home = visitorOf(world.first);
    await signIn(home, RAVI);
    world.clock.advance(1000);
    const stranger = visitorOf();
    await signIn(stranger, RAVI);
    const [, device] =
      /href="(\/profile\/notices\/[\w-]+\/device)"/.exec((await home.get('/dashboard')).text) ?? [];
    const done = await home.submit(String(device));
    expect(done.location).toBe('/profile/password?notice=device_ended');
    expect((await home.get(done.location)).text).toContain('Now change your password');
    expect((await stranger.get('/dashboard')).location).toContain('reason=revoked');
    for (;;) {
      const { text } = await home.get('/dashboard');
      const [, dismissal] = /action="(\/profile\/notices\/[\w-]+\/dismissal)"/.exec(text) ?? [];
      if (dismissal === undefined) break;
      expect((await home.submit(dismissal, {}, '/dashboard')).status).toBe(303);
    }
    const other = visitorOf();
    await signIn(other);
    expect((await other.get(String(device))).status).toBe(404);
  });

  it('is told after a weekend too, and leads to a new password where its session is gone', async () => {
    world.clock.set('2026-12-04T18:00:00+05:30');
    await signIn(visitorOf(), RAVI);
    world.clock.advance(3 * DAY_MS);
    await world.first.services.accounts.cleanup?.();
    const home = visitorOf(world.first);
    await signIn(home, RAVI);
    const { text } = await home.get('/dashboard');
    expect(text).toContain('A new device signed in');
    const [, device] = /href="(\/profile\/notices\/[\w-]+\/device)"/.exec(text) ?? [];
    const asked = await home.get(String(device));
    expect([asked.status, asked.location]).toEqual([303, '/profile/password?notice=device_ended']);
    expect((await home.get(asked.location)).text).toContain('Now change your password');
    world.clock.advance(87 * DAY_MS - 1);
    await signIn(home, RAVI);
    expect((await home.get(String(device))).status).toBe(303);
    world.clock.advance(1);
    expect((await home.get(String(device))).status).toBe(404);
  });

  it('is kept for the newest twenty of a user', async () => {
    const { database } = world.first.infrastructure;
    const notices = createNoticeStore(database);
    const now = world.clock.now();
    for (let index = 0; index < 25; index += 1) {
      const notice = { userId: world.ravi.id, kind: 'new_device', device: `${index}`, text: '' } as const;
      await notices.add({ ...notice, expiresAt: now + DAY_MS }, now + index);
    }
    const rows = await database.db
      .selectFrom('account_notices')
      .select('device')
      .where('user_id', '=', world.ravi.id)
      .where('kind', '=', 'new_device')
      .orderBy('created_at')
      .execute();
    expect(rows.map(({ device }) => device)).toEqual(
      Array.from({ length: 20 }, (_, index) => `${index + 5}`),
    );
  });

  it('changes the email address when the link in it is opened, once', async () => {
    const home = visitorOf();
    await signIn(home, RAVI);
    const asked = await home.submit('/profile/email', { email: 'ravi@new.example' });
    expect((await home.get(asked.location)).text).toContain('A link is on its way');
    expect((await world.first.services.users.findByUsername('ravi'))?.email).toBe(RAVI.email);
    const path = linkPathIn((await mailAbout('Confirm', 'ravi@new.example')).text);
    expect((await visitorOf(world.first).get(path)).text).toContain('ravi@new.example');
    expect((await visitorOf(world.first).submit(path)).text).toContain('is confirmed');
    expect(await world.first.services.users.findByUsername('ravi')).toMatchObject({
      email: 'ravi@new.example',
      emailConfirmed: true,
    });
    expect((await visitorOf().get(path)).status).toBe(404);
    expect((await mailAbout('was changed')).text).toContain('ravi@new.example');
    await home.submit('/profile/email', { email: RAVI.email });
    await visitorOf().submit(linkPathIn((await mailAbout('Confirm')).text));
  });

  it('changes no email address once there is another link, another password, or the account was disabled', async () => {
    const { userAdmin } = world.first.services.accounts;
    const thief = async () => {
      const visitor = visitorOf();
      await signIn(visitor, RAVI);
      await visitor.submit('/profile/email', { email: 'thief@new.example' });
      return linkPathIn((await mailAbout('Confirm', 'thief@new.example')).text);
    };
    const replaced = await thief();
    const ends = [
      () => userAdmin.resetPassword('ravi', RAVI.password, ORIGIN),
      async () => {
        await userAdmin.disable('ravi', ORIGIN);
        await userAdmin.enable('ravi', ORIGIN);
      },
    ];
    for (const end of ends) {
      const path = await thief();
      expect((await visitorOf().get(replaced)).status).toBe(404);
      await end();
      expect((await visitorOf().get(path)).status).toBe(404);
      expect((await visitorOf().submit(path, {}, '/auth/reset')).status).toBe(404);
    }
    expect((await world.first.services.users.findByUsername('ravi'))?.email).toBe(RAVI.email);
  });

  it('sends five mails to new addresses in an hour, and no more', async () => {
    const home = visitorOf();
    await signIn(home);
    const statuses = [];
    for (let attempt = 0; attempt < 6; attempt += 1)
      statuses.push((await home.submit('/profile/email', { email: `asha${attempt}@new.example` })).status);
    expect(statuses).toEqual([303, 303, 303, 303, 303, 429]);
    const refused = await home.submit('/profile/email', { email: 'asha@new.example' });
    expect(refused.headers['retry-after']).toBeDefined();
    expect(refused.text).toContain('Too many attempts');
  });

  it('is told of a second factor that an administrator reset', async () => {
    const { secondFactor, userAdmin } = world.first.services.accounts;
    const { db } = world.first.infrastructure.database;
    await db
      .insertInto('totp_factors')
      .values({ user_id: world.ravi.id, secret: 'unreadable', last_step: 0, created_at: 0 })
      .execute();
    expect(await secondFactor.has(world.ravi.id)).toBe(true);
    await userAdmin.resetFactors('ravi', ORIGIN);
    expect((await mailAbout('removed your second factor')).text).toContain('Set up another one');
    const home = visitorOf();
    await signIn(home, RAVI);
    expect((await home.get('/dashboard')).text).toContain('An administrator removed your second factor');
  });
});
