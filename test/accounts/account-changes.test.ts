import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createFactorStore } from '../../src/accounts/second-factor/factor-store.ts';
import { DAY_MS, MINUTE_MS } from '../../src/core/duration.ts';
import type { ReceivedMail } from '../support/mail-server.ts';
import { totpCode } from '../support/totp-code.ts';
import { type Answer, createVisitor, signIn, type Visitor } from '../support/visitor.ts';
import { LINK_WORLDS, type LinkWorld, NEW_PASSWORD, ORIGIN, openLinkWorld, RAVI } from './link-world.ts';

const FACTOR = '/profile/second-factor';
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';

describe.each(LINK_WORLDS)('a change to what protects an account, on %s,', (_name, open) => {
  let world: LinkWorld;
  /** The session that makes the changes, and another one of the same user. */
  let acting: Visitor;
  let other: Visitor;
  let secret = '';

  beforeAll(async () => {
    world = await openLinkWorld(open);
    acting = await openSession();
    other = await openSession();
    await forgetMails();
  });
  afterAll(() => world.close());
  beforeEach(() => world.clock.advance(MINUTE_MS));

  async function openSession(): Promise<Visitor> {
    const visitor = createVisitor(world.last.origin);
    await signIn(visitor, RAVI);
    return visitor;
  }

  async function send(path: string, fields: Record<string, string> = {}, page = path): Promise<Answer> {
    const _csrf = await acting.csrfTokenOf(page);
    const headers = { Origin: world.last.origin, 'User-Agent': FIREFOX };
    return acting.post(path, { ...fields, _csrf }, headers);
  }

  /** The mails since the last call. */
  async function takeMails(): Promise<readonly ReceivedMail[]> {
    await world.deliver();
    return world.mail.received.splice(0);
  }
  const forgetMails = takeMails;

  const codeNow = () => totpCode(secret, world.clock.now());

  async function setUpApp(): Promise<Answer> {
    const { text } = await acting.get(FACTOR);
    const sealed = /name="sealed" value="([^"]+)"/.exec(text)?.[1] ?? '';
    secret = (/<code>([A-Z2-7 ]{39})<\/code>/.exec(text)?.[1] ?? '').replaceAll(' ', '');
    return send(FACTOR, { sealed, code: codeNow() });
  }

  async function addPasskey(id: string, name: string): Promise<void> {
    const { database } = world.first.infrastructure;
    const stored = await createFactorStore({ database, now: world.clock.now }).addPasskey({
      id,
      userId: world.ravi.id,
      name,
      publicKey: 'key',
      counter: 0,
      transports: [],
      canBeBackedUp: false,
      isBackedUp: false,
      rpId: 'localhost',
      recoveryCodeDigests: ['a digest'],
    });
    expect(stored).toMatch(/added|first_factor/);
  }

  async function expectTold(what: string): Promise<ReceivedMail> {
    const mails = await takeMails();
    expect(mails.map(({ to, subject }) => [to, subject])).toEqual([
      [[RAVI.email], `Your Curfew account: ${what.charAt(0).toLowerCase()}${what.slice(1)}`],
    ]);
    expect((await other.get('/dashboard')).text).toContain(what);
    return mails[0] as ReceivedMail;
  }

  it('is mailed once: what, when, by what kind of device, and what to do about it', async () => {
    expect((await setUpApp()).text).toContain('Your recovery codes');
    const { text } = await expectTold('An authenticator app was set up');
    expect(text).toContain('This is about the Curfew account ravi.');
    expect(text).toMatch(
      /set up on Fri 20 Nov 2026, 10:0\d:01 IST, with Firefox on Linux, from (::ffff:)?127\.0\.0\.1\./,
    );
    const origin = world.last.config.baseUrl;
    for (const path of ['/auth/reset', '/profile/passkeys', '/sessions'])
      expect(text).toContain(`${origin}${path}\n`);
  });

  it('is told on the other sessions’ dashboards, and not to the one that made it', async () => {
    await send(`${FACTOR}/recovery-codes`, {}, FACTOR);
    await expectTold('New recovery codes were created');
    expect((await acting.get('/dashboard')).text).not.toContain('New recovery codes were created');

    const { text } = await other.get('/dashboard');
    const [, path] =
      /New recovery codes were created[^/]*href="(\/profile\/notices\/[\w-]+\/device)"/.exec(text) ?? [];
    expect((await other.get(String(path))).text).toContain('with Firefox on Linux, from');
    expect((await other.submit(String(path))).location).toBe('/profile/password?notice=device_ended');
    expect((await acting.get('/dashboard')).location).toContain('reason=revoked');
    acting = await openSessionWithCode();
    await forgetMails();
  });

  async function openSessionWithCode(): Promise<Visitor> {
    const visitor = createVisitor(world.last.origin);
    await visitor.submit('/auth/login', RAVI);
    const answer = await visitor.submit('/auth/login/totp', { code: codeNow() });
    expect(answer.location).toBe('/dashboard');
    return visitor;
  }

  it('is told of as well where someone on a new device knows the password and not the code, and not of a slip on a known one', async () => {
    const tryCode = async (visitor: Visitor) => {
      await visitor.submit('/auth/login', RAVI);
      const code = codeNow() === '000000' ? '000001' : '000000';
      expect((await visitor.submit('/auth/login/totp', { code })).status).toBe(401);
    };
    await tryCode(createVisitor(world.last.origin));
    expect((await expectTold('Your password was entered with a wrong code')).text).toContain(
      'If not, choose a new password here',
    );
    world.clock.advance(MINUTE_MS);
    const known = await openSessionWithCode();
    await known.submit('/auth/logout', {}, '/settings');
    await forgetMails();
    await tryCode(known);
    expect(await takeMails()).toEqual([]);
  });

  it('is told of each kind: a changed password, a removed app, a removed passkey', async () => {
    const change = (currentPassword: string, newPassword: string) =>
      send('/profile/password', { currentPassword, newPassword, code: codeNow(), others: 'keep' });
    expect((await change(RAVI.password, NEW_PASSWORD)).location).toContain('notice=keep');
    expect((await expectTold('The password was changed')).text).toContain('broker connections stay.');
    world.clock.advance(MINUTE_MS);
    expect((await change(NEW_PASSWORD, RAVI.password)).location).toContain('notice=keep');
    await expectTold('The password was changed');
    world.clock.advance(MINUTE_MS);
    const code = codeNow();
    const fields = { currentPassword: RAVI.password, newPassword: NEW_PASSWORD, code, others: 'end' };
    const shown = ({ text }: Answer) => /The password was changed, with/.test(text);

    expect((await send('/profile/password', fields)).location).toContain('notice=end');
    expect(shown(await acting.get('/dashboard'))).toBe(false);
    expect((await takeMails()).map(({ subject }) => subject)).toEqual([
      'Your Curfew account: the password was changed',
    ]);
    world.clock.advance(MINUTE_MS);
    expect((await change(NEW_PASSWORD, RAVI.password)).location).toContain('notice=keep');
    world.clock.advance(MINUTE_MS);
    other = await openSessionWithCode();
    await forgetMails();

    expect((await send(`${FACTOR}/removal`)).status).toBe(303);
    await expectTold('The authenticator app was removed');

    await addPasskey('a-passkey', 'Laptop');
    expect((await send('/profile/passkeys/a-passkey/removal')).status).toBe(303);
    await expectTold('A passkey was removed');
  });

  it('is one act and one mail where an administrator resets the app and the passkeys', async () => {
    await setUpApp();
    await addPasskey('another-passkey', 'Phone');
    await forgetMails();
    await world.first.services.accounts.userAdmin.resetFactors(RAVI.username, ORIGIN);
    const { text } = await expectTold('An administrator removed your second factor and your recovery codes');
    expect(text).toContain('If you did not ask for this, tell an administrator at once.');
    expect(text).not.toContain(' with ');
    const dashboard = (await other.get('/dashboard')).text;
    expect(dashboard.match(/An administrator removed your second factor/g)).toHaveLength(1);
  });

  it('is told of a password that an administrator set, and of one that a link reset', async () => {
    const { accounts } = world.first.services;
    await accounts.userAdmin.resetPassword(RAVI.username, RAVI.password, ORIGIN);
    other = await openSession();
    acting = await openSession();
    const mails = (await takeMails()).filter(({ subject }) => !subject.includes('new device'));
    expect(mails.map(({ subject }) => subject)).toEqual([
      'Your Curfew account: an administrator set a new password for you',
    ]);
    expect((await other.get('/dashboard')).text).toContain('An administrator set a new password for you.');

    const { path } = await accounts.resetRequests.forUser(world.ravi, 'administrator', ORIGIN);
    const visitor = createVisitor(world.first.origin);
    expect((await visitor.submit(path, { password: RAVI.password }, '/auth/reset')).status).toBe(303);
    [other, acting] = [await openSession(), await openSession()];
    const reset = (await takeMails()).filter(({ subject }) => !subject.includes('new device'));
    expect(reset.map(({ subject }) => subject)).toEqual([
      'Your Curfew account: the password was reset with a link',
    ]);
  });

  it('shows the passkeys of the last 30 days after a new password and with a foreign session, to be removed', async () => {
    world.clock.advance(-31 * DAY_MS);
    await addPasskey('old', 'The old laptop');
    world.clock.advance(31 * DAY_MS);
    await addPasskey('new', 'The thief’s phone');
    expect((await other.get('/profile/password')).text).not.toContain('Passkeys added');
    for (const page of ['/profile/password?notice=end', '/profile/password?notice=device_ended']) {
      const { text } = await other.get(page);
      expect(text).toContain('The thief’s phone');
      expect(text).not.toContain('The old laptop');
      expect(text).toContain('href="/profile/passkeys/new/removal"');
    }
    const userId = world.ravi.id;
    const device = (await world.first.services.sessions.lifecycle.devicesOf(userId))[0]?.deviceId ?? '';
    const link = new URL(await world.first.services.accounts.deviceLink(userId, device)).pathname;
    const anyone = createVisitor(world.first.origin);
    expect((await anyone.get(link)).text).toContain('The thief’s phone');
    // The link ends a session, and is no second factor: removing asks who it is.
    expect((await anyone.get('/profile/passkeys/new/removal')).location).toContain('/auth/login');
    expect((await anyone.submit(link, {}, '/auth/reset')).text).toContain('/profile/passkeys/new/removal');
  });

  it('is told five times an hour at the most, and leaves other changes theirs', async () => {
    const { secondFactor } = world.first.services.accounts;
    world.clock.advance(60 * MINUTE_MS);
    await forgetMails();
    for (let times = 0; times < 7; times += 1) await secondFactor.renewRecoveryCodes(world.ravi.id, ORIGIN);
    expect(await takeMails()).toHaveLength(5);
    await secondFactor.reset(world.ravi.id, ORIGIN);
    expect(await takeMails()).toHaveLength(1);
  });
});
