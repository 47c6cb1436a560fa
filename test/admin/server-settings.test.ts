import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFactorStore } from '../../src/accounts/second-factor/factor-store.ts';
import { parseConfig } from '../../src/config.ts';
import { addPerson } from '../strategies/trader.ts';
import { startTestServer, TEST_SECRETS, type TestServer } from '../support/test-server.ts';
import { createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';

const PASSKEY = {
  name: 'Laptop',
  publicKey: 'key',
  counter: 0,
  transports: [],
  canBeBackedUp: false,
  isBackedUp: false,
} as const;

const shownOf = (env: Readonly<Record<string, string>>) =>
  new Map(parseConfig({ ...TEST_SECRETS, ...env }).shown.map(({ name, ...rest }) => [name, rest]));

describe('The settings that administrators see', () => {
  let server: TestServer;
  let admin: Visitor;

  beforeAll(async () => {
    server = await startTestServer({ env: { SESSION_IDLE_TIMEOUT: '2h' } });
    admin = createVisitor(server.origin);
    await setUp(admin);
    await signIn(admin);
  });
  afterAll(() => server.close());

  it('are on a page for them alone, with what applies now', async () => {
    const before = await admin.get('/security/settings');
    expect(before.text).toMatch(
      /SESSION_IDLE_TIMEOUT<\/code><\/th>\s*<td role="cell">2h<\/td>\s*<td role="cell">while running/,
    );
    server.infrastructure.policy.replace({ cutoffTime: { hour: 4, minute: 30 }, idleTimeoutMs: 'off' });
    expect((await admin.get('/security/settings')).text).toMatch(
      /SESSION_EXPIRY_TIME<\/code><\/th>\s*<td role="cell">04:30</,
    );
    const { visitor, person } = await addPerson(server.origin, server.services.accounts.userAdmin);
    await signIn(visitor, person);
    expect((await visitor.get('/security/settings')).status).toBe(403);
  });

  it('warn of passkeys that were made for another host', async () => {
    const { database } = server.infrastructure;
    const { id: userId } = await database.db.selectFrom('users').select('id').executeTakeFirstOrThrow();
    const factors = createFactorStore({ database, now: Date.now });
    const add = (id: string, rpId: string) =>
      factors.addPasskey({ ...PASSKEY, id, userId, rpId, recoveryCodeDigests: ['a digest'] });
    const page = async () => (await admin.get('/security/settings')).text;
    expect(await page()).not.toContain('made for another host');
    await add('one', 'former.example');
    expect(await page()).toContain('One passkey was made for another host');
    await add('two', 'former.example');
    expect(await page()).toContain('2 passkeys were made for another host');
    await factors.removeAll(userId);
  });

  it('hold no secret', async () => {
    const { text } = await admin.get('/security/settings');
    for (const secret of Object.values(TEST_SECRETS)) expect(text).not.toContain(secret);
  });

  it('say whether a value is the default, how many values a secret has, and no password of an address', () => {
    const twice = `${TEST_SECRETS.PEPPER},${TEST_SECRETS.PEPPER.split('').toReversed().join('')}`;
    const shown = shownOf({
      PEPPER: twice,
      DATABASE_URL: 'postgres://curfew:p%40ss@db.example/curfew',
      REDIS_URL: 'redis://:hush@one.example:6379,redis://:hush@two.example:6379',
    });
    expect(shown.get('PEPPER')).toEqual({ value: 'set, 2 values', isDefault: false });
    expect(shown.get('DATABASE_URL')?.value).toBe('postgres://…@db.example/curfew');
    expect(shown.get('REDIS_URL')?.value).toBe('redis://…@one.example:6379,redis://…@two.example:6379');
    expect(shown.get('SESSION_EXPIRY_TIME')).toEqual({ value: '03:00', isDefault: true });
    expect(shown.get('BASE_URL')).toEqual({ value: '', isDefault: true });
  });
});
