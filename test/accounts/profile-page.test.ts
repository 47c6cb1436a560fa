import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateTotpSecret } from '../../src/accounts/second-factor/totp.ts';
import { MINUTE_MS } from '../../src/core/duration.ts';
import { createSettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { totpCode } from '../support/totp-code.ts';
import { createVisitor, PERSON, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { LINK_WORLDS, type LinkWorld, ORIGIN, openLinkWorld, RAVI } from './link-world.ts';

const FIREFOX = { 'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' };

describe('The profile page', () => {
  const clock = createSettableClock('2026-11-20T12:00:00+05:30');
  let server: TestServer;
  let asha: Visitor;
  let ravi: Visitor;

  beforeAll(async () => {
    server = await startTestServer({ clock });
    asha = createVisitor(server.origin);
    await setUp(asha);
    const { userAdmin } = server.services.accounts;
    const account = {
      username: 'ravi',
      email: 'ravi@example.org',
      role: 'user',
      password: PERSON.password,
    } as const;
    await userAdmin.create(account, { actor: 'cli' });
    const failed = { ...PERSON, password: 'a wrong password' };
    await createVisitor(server.origin).submit('/auth/login', failed);
    ravi = createVisitor(server.origin);
    await signIn(ravi, { ...PERSON, username: 'ravi' });
    const token = await asha.csrfTokenOf('/auth/login');
    await asha.post('/auth/login', { ...PERSON, _csrf: token }, { Origin: server.origin, ...FIREFOX });
  });
  afterAll(() => server.close());

  it('is where the name in the header leads, and shows the account', async () => {
    expect((await asha.get('/dashboard')).text).toContain('class="account-name" href="/profile"');
    const { status, text } = await asha.get('/profile');
    expect(status).toBe(200);
    for (const shown of [PERSON.email, 'Administrator', 'Your password alone signs you in', 'This device'])
      expect(text).toContain(shown);
    for (const href of ['/profile/email', '/profile/password', '/profile/second-factor', '/sessions'])
      expect(text).toContain(`href="${href}"`);
  });

  it('lists a user’s own sign-ins, the failed ones too, and nobody else’s', async () => {
    const history = (text: string) => text.slice(text.indexOf('Sign-in history'));
    const hers = history((await asha.get('/profile')).text);
    expect(hers).toMatch(/Signed in with the password[\s\S]*Firefox on Linux[\s\S]*Wrong password/);
    const his = history((await ravi.get('/profile')).text);
    expect(his.match(/Signed in with the password/g)).toHaveLength(1);
    expect(his).not.toContain('Wrong password');
  });

  it('changes the email address, after the password where the last time is long ago', async () => {
    const wrong = await ravi.submit('/profile/email', { email: 'nowhere' });
    expect([wrong.status, wrong.text]).toEqual([400, expect.stringContaining('value="nowhere"')]);
    const { location } = await ravi.submit('/profile/email', { email: ' ravi@trading.example ' });
    const { text } = await ravi.get(location);
    expect(text).toMatch(/Your email address is changed[\s\S]*ravi@trading\.example/);
    expect((await server.services.users.findByUsername('ravi'))?.email).toBe('ravi@trading.example');
    clock.advance(29 * MINUTE_MS);
    expect((await ravi.get('/profile/email')).location).toContain('/auth/confirm');
  });

  it('is for who is signed in', async () => {
    for (const path of ['/profile', '/profile/email'])
      expect((await createVisitor(server.origin).get(path)).location).toContain('reason=login_required');
  });
});

describe.each(LINK_WORLDS)('The sign-in history, on %s,', (_name, open) => {
  let world: LinkWorld;
  beforeAll(async () => {
    world = await openLinkWorld(open, { TRUST_PROXY: '127.0.0.1' });
  });
  afterAll(() => world.close());

  /** With Firefox, from an address, through each form of a sign-in. */
  async function signInFrom(address: string, password: string, code?: string): Promise<Visitor> {
    const { origin } = world.last;
    const visitor = createVisitor(origin);
    const headers = { ...FIREFOX, 'X-Forwarded-For': address, Origin: origin };
    const send = async (path: string, fields: Record<string, string>) =>
      visitor.post(path, { ...fields, _csrf: await visitor.csrfTokenOf(path) }, headers);
    await send('/auth/login', { username: RAVI.username, password });
    if (code !== undefined) await send('/auth/login/totp', { code });
    return visitor;
  }

  it('says of each attempt how, with which program and from where it was made', async () => {
    const { secondFactor } = world.first.services.accounts;
    // As rows of former versions are.
    const former = { type: 'login.failed', username: RAVI.username, userId: world.ravi.id } as const;
    await world.first.services.audit.record({ ...former, why: 'credentials' }, ORIGIN);
    const secret = generateTotpSecret();
    const codeNow = () => totpCode(secret, world.clock.now());
    const enrolled = await secondFactor.enrol({ userId: world.ravi.id, secret }, codeNow(), ORIGIN);
    if (enrolled.kind !== 'enrolled') throw new Error(enrolled.kind);

    world.clock.advance(MINUTE_MS);
    await signInFrom('203.0.113.1', 'not the password');
    world.clock.advance(MINUTE_MS);
    await signInFrom('203.0.113.2', RAVI.password, 'not a code');
    world.clock.advance(MINUTE_MS);
    await signInFrom('203.0.113.3', RAVI.password, enrolled.recoveryCodes[0]);
    world.clock.advance(MINUTE_MS);
    const ravi = await signInFrom('203.0.113.4', RAVI.password, codeNow());
    const { text } = await ravi.get('/profile');
    const rows = text
      .slice(text.indexOf('Sign-in history'))
      .matchAll(/<span class="outcome[^>]*>([^<]*)[\s\S]*?<td[^>]*>([^<]*)<\/td>\s*<td[^>]*>([^<]*)/g);
    expect([...rows].map(([, ...cells]) => cells)).toEqual([
      ['Signed in with password and app', 'Firefox on Linux', '203.0.113.4'],
      ['Signed in with a recovery code', 'Firefox on Linux', '203.0.113.3'],
      ['Right password, wrong code', 'Firefox on Linux', '203.0.113.2'],
      ['Wrong password', 'Firefox on Linux', '203.0.113.1'],
      ['Wrong password', 'Not recorded', ''],
    ]);
  });
});
