import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { connectSandbox, createVisitor, PERSON, setUp, signIn, type Visitor } from '../support/visitor.ts';

const PAGE = '/profile/password';

describe('The page to change one’s password', () => {
  let server: TestServer;
  let here: Visitor;
  let elsewhere: Visitor;
  let password: string = PERSON.password;
  let userId: string;

  beforeAll(async () => {
    server = await startTestServer({ env: { LOGIN_RATE_LIMIT: '8/minute' } });
    here = createVisitor(server.origin);
    await setUp(here);
    userId = (await server.services.users.findByUsername(PERSON.username))?.id ?? '';
  });
  afterAll(() => server.close());

  beforeEach(async () => {
    here = createVisitor(server.origin);
    elsewhere = createVisitor(server.origin);
    for (const browser of [here, elsewhere]) await signIn(browser, { ...PERSON, password });
  });

  const change = async (newPassword: string, others = 'end', currentPassword = password) => {
    const answer = await here.submit(PAGE, { currentPassword, newPassword, others });
    if (answer.status === 303) password = newPassword;
    return answer;
  };
  const createKey = () => here.submit('/api-keys', { name: 'bot', scopes: 'session:read' }, '/api-keys/new');
  const openKeys = () => server.services.api.apiKeys.countOf(userId);
  const brokerState = async () => (await server.services.brokers.reader.accessToken(userId, 'sandbox')).kind;

  it('is reached from the settings', async () => {
    expect((await here.get('/settings')).text).toContain(`href="${PAGE}"`);
  });

  it('ends everything else with a receipt, and this browser goes on under another session id', async () => {
    await createKey();
    await connectSandbox(here);
    expect([await openKeys(), await brokerState()]).toEqual([1, 'token']);
    const before = here.sessionCookie();
    const sessions = await server.services.sessions.lifecycle.devicesOf(userId);
    const answer = await change('four-unrelated-walrus-kites');
    expect(answer.location).toBe(`${PAGE}?notice=end`);
    expect(here.sessionCookie()).not.toBe(before);
    expect((await here.get(answer.location)).text).toContain('Your password is changed.');
    expect((await elsewhere.get('/dashboard')).location).toContain('reason=revoked');
    expect([await openKeys(), await brokerState()]).toEqual([0, 'reauth_required']);
    const receipt = await server.services.revocation.revocations.latestReceipt(userId);
    expect(receipt).toMatchObject({ reason: 'password_changed', status: 'done' });
    expect(receipt?.lines.find(({ step }) => step === 'sessions')?.count).toBe(sessions.length);
    const old = createVisitor(server.origin);
    old.useSessionCookie(before);
    expect((await old.get('/dashboard')).location).toContain('/auth/login');
  });

  it('ends the old sessions also where the stores are lost right after the change', async () => {
    const { registry } = server.infrastructure.sessionStorage;
    const listing = vi.spyOn(registry, 'end').mockRejectedValue(new Error('The store is away'));
    const listByUser = vi.spyOn(registry, 'listByUser').mockRejectedValue(new Error('The store is away'));
    const next = 'four-unrelated-badger-drums';
    const fields = { currentPassword: password, newPassword: next, others: 'end' };
    const answer = await here.submit(PAGE, fields);
    listing.mockRestore();
    listByUser.mockRestore();
    password = next;
    expect(answer.status).toBeGreaterThanOrEqual(500);
    // Stored with the password, and due: no session from before is let in, whether or not it was removed.
    expect((await elsewhere.get('/dashboard')).location).toContain('/auth/login');
    expect((await createVisitor(server.origin).submit('/auth/login', PERSON)).status).toBe(401);
  });

  it('changes nothing where the end of the sessions cannot be stored with it', async () => {
    const { db } = server.infrastructure.database;
    await sql`create trigger no_revocations before insert on revocations begin select raise(abort, 'full'); end`.execute(
      db,
    );
    const answer = await here.submit(PAGE, {
      currentPassword: password,
      newPassword: 'four-unrelated-gecko-tents',
      others: 'end',
    });
    await sql`drop trigger no_revocations`.execute(db);
    expect(answer.status).toBeGreaterThanOrEqual(500);
    expect((await elsewhere.get('/dashboard')).status).toBe(200);
    await signIn(createVisitor(server.origin), { ...PERSON, password });
  });

  it('makes other browsers strangers, who knew the former password', async () => {
    const known = async (browser: Visitor): Promise<unknown> => {
      browser.useSessionCookie('none');
      await signIn(browser, { ...PERSON, password });
      const { db } = server.infrastructure.database;
      const row = await db
        .selectFrom('audit_log')
        .select('detail')
        .where('type', '=', 'login.succeeded')
        .orderBy('id', 'desc')
        .executeTakeFirstOrThrow();
      return JSON.parse(row.detail).known;
    };
    await change('four-unrelated-puffin-maps', 'keep');
    expect([await known(here), await known(elsewhere)]).toEqual([true, false]);
  });

  it('keeps everything else where the user chooses so', async () => {
    await createKey();
    const answer = await change('four-unrelated-otter-lamps', 'keep');
    expect((await here.get(answer.location)).text).toContain('stay.');
    expect((await elsewhere.get('/dashboard')).status).toBe(200);
    expect(await openKeys()).toBe(1);
    expect((await createVisitor(server.origin).submit('/auth/login', PERSON)).status).toBe(401);
  });

  it('refuses what is not good, each beside its field, and changes nothing', async () => {
    const refusals: readonly (readonly [string, string, RegExp])[] = [
      [password, '', /Enter a new password/],
      ['', 'four-unrelated-heron-boats', /Enter your current password/],
      [password, 'short', /at least 8 characters/],
      [password, 'x'.repeat(129), /at most 128 characters/],
      [password, 'password123', /on the lists that guessers try first/],
      [password, `${PERSON.username}-and-more`, /without “asha” in it/],
      [password, password, /Choose another password than the one you have/],
    ];
    for (const [current, wanted, message] of refusals) {
      const answer = await change(wanted, 'keep', current);
      expect(answer.status, wanted).toBe(400);
      expect(answer.text).toMatch(message);
      expect(answer.text).not.toContain('value="four-');
    }
    expect((await here.get('/dashboard')).status).toBe(200);
    await signIn(createVisitor(server.origin), { ...PERSON, password });
  });

  it('takes spaces at the ends as part of a password', async () => {
    await change('  walrus kites and lamps ', 'keep');
    const trimmed = { username: PERSON.username, password: password.trim() };
    expect((await createVisitor(server.origin).submit('/auth/login', trimmed)).status).toBe(401);
    await signIn(createVisitor(server.origin), { ...PERSON, password });
  });

  it('counts wrong current passwords towards the limit of sign-ins', async () => {
    const wrong = () => change('four-unrelated-heron-boats', 'keep', 'not my password');
    const first = await wrong();
    expect([first.status, first.text]).toEqual([403, expect.stringContaining('The password is wrong.')]);
    let last = first;
    for (let tries = 0; tries < 8; tries += 1) last = await wrong();
    expect(last.status).toBe(429);
    expect(Number(last.headers['retry-after'])).toBeGreaterThan(0);
  });
});
