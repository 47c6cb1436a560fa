import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DAY_MS } from '../../src/core/duration.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, PERSON, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { type ApiClient, createApiClient, makeKey } from './api-client.ts';

const MONDAY_MORNING = '2026-11-23T10:00:00+05:30';
const SESSION = '/api/v1/session';

describe('who may use the API', () => {
  let clock: SettableClock;
  let server: TestServer;
  let owner: Visitor;

  beforeAll(async () => {
    clock = createSettableClock(MONDAY_MORNING);
    server = await startTestServer({
      clock,
      env: { SESSION_IDLE_TIMEOUT: 'off', SESSION_EXPIRY_TIME: 'off', TRUST_PROXY: '127.0.0.1' },
    });
    owner = createVisitor(server.origin);
    await setUp(owner);
    await signIn(owner);
  });
  afterAll(() => server.close());
  beforeEach(async () => {
    await server.infrastructure.database.db.deleteFrom('api_keys').execute();
  });

  const client = (key?: string, headers?: Readonly<Record<string, string>>): ApiClient =>
    createApiClient(server.origin, key, headers);
  const from = (address: string) => ({ 'X-Forwarded-For': address });
  const events = async (type: string) => {
    const { db } = server.infrastructure.database;
    const rows = await db.selectFrom('audit_log').select('detail').where('type', '=', type).execute();
    return rows.map(({ detail }) => JSON.parse(detail));
  };

  test('a key opens the door, in either header', async () => {
    const { key } = await makeKey(owner);
    expect(await client(key).ask(SESSION)).toMatchObject({ status: 200, body: { status: 'success' } });
    const other = await client().ask(SESSION, { headers: { 'X-API-Key': key } });
    expect(other.status).toBe(200);
    const lowercase = await client().ask(SESSION, { headers: { Authorization: `bearer  ${key}` } });
    expect(lowercase.status).toBe(200);
  });

  test('without a key a program is told to send one, and of no error', async () => {
    const answer = await client().ask(SESSION);
    expect(answer).toMatchObject({ status: 401, body: { status: 'error', error: 'bad_api_key' } });
    expect(answer.body.message).toMatch(/Authorization: Bearer/);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="curfew"');
    const basic = await client().ask(SESSION, { headers: { Authorization: 'Basic YTpi' } });
    expect(basic.status).toBe(401);
  });

  test('every key that is not good gets the very same words', async () => {
    const { id, key } = await makeKey(owner);
    const expiring = await makeKey(owner, { expiry: '7d' });
    await client(key).ask(SESSION);
    await owner.submit(`/api-keys/${id}/revocation`, {}, '/api-keys');
    const before = clock.now();
    clock.advance(7 * DAY_MS);
    const answers = await Promise.all(
      [key, expiring.key, 'cfw_nonsense', 'x', `cfw_${'a'.repeat(12)}_${'b'.repeat(38)}`].map((text) =>
        client(text).ask(SESSION),
      ),
    );
    clock.set(before);
    for (const answer of answers) {
      expect(answer.status).toBe(401);
      expect(answer.text).toBe(answers[0]?.text);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="curfew", error="invalid_token"');
      // How far the address has come, and nothing of a key.
      expect(answer.headers.get('ratelimit')).toMatch(/^"1000000\/minute";/);
    }
    expect(answers[0]?.body).toMatchObject({ error: 'bad_api_key' });
  });

  test('a revoked key is refused by the very next request, and revoking is on record', async () => {
    const { id, key } = await makeKey(owner, { name: 'To be revoked' });
    expect((await client(key).ask(SESSION)).status).toBe(200);
    expect(server.services.api.verifier.size).toBeGreaterThan(0);
    await owner.submit(`/api-keys/${id}/revocation`, {}, '/api-keys');
    expect(server.services.api.verifier.size).toBe(0);
    expect((await client(key).ask(SESSION)).status).toBe(401);
    expect(await events('api_key.revoked')).toContainEqual(
      expect.objectContaining({ keyId: id, name: 'To be revoked' }),
    );
  });

  test('an expired key is refused from its instant on', async () => {
    const { key } = await makeKey(owner, { expiry: '7d' });
    const made = clock.now();
    clock.set(made + 7 * DAY_MS - 1);
    expect((await client(key).ask(SESSION)).status).toBe(200);
    clock.set(made + 7 * DAY_MS);
    expect((await client(key).ask(SESSION)).status).toBe(401);
    clock.set(made);
  });

  test('the keys of a disabled person die at once, and with them what is remembered of them', async () => {
    await server.services.accounts.userAdmin.create(
      { username: 'ravi', email: 'ravi@example.org', role: 'user', password: PERSON.password },
      { actor: 'test' },
    );
    const ravi = createVisitor(server.origin);
    await signIn(ravi, { ...PERSON, username: 'ravi' });
    const { key } = await makeKey(ravi);
    expect((await client(key).ask(SESSION)).status).toBe(200);
    const remembered = server.services.api.verifier.size;
    await server.services.accounts.userAdmin.disable('ravi', { actor: 'test' });
    expect(server.services.api.verifier.size).toBe(remembered - 1);
    expect(await client(key).ask(SESSION)).toMatchObject({ status: 401, body: { error: 'bad_api_key' } });
  });

  test('keys live on after logout everywhere and after an administrator has ended all sessions', async () => {
    const { key } = await makeKey(owner);
    await owner.submit('/auth/logout', { everywhere: 'on' }, '/dashboard');
    expect(await client(key).ask(SESSION)).toMatchObject({
      status: 200,
      body: { data: { session: { live: false, devices: 0, signedInAt: null } } },
    });
    await signIn(owner);
  });

  test('a key is allowed from its two addresses, and from nowhere else', async () => {
    const { id, key } = await makeKey(owner, { primary: '203.0.113.7', secondary: '2001:db8::/48' });
    for (const address of ['203.0.113.7', '2001:db8:0:1::5', '::ffff:203.0.113.7'])
      expect((await client(key, from(address)).ask(SESSION)).status).toBe(200);
    const refused = await client(key, from('203.0.113.8')).ask(SESSION);
    expect(refused).toMatchObject({ status: 403, body: { error: 'forbidden' } });
    expect(refused.body.message).toContain('203.0.113.8');
    // A thief must not use up what the owner may ask.
    expect(refused.headers.get('ratelimit')).toBeNull();
    await client(key, from('203.0.113.8')).ask(SESSION);
    expect(await events('api_key.refused_from_address')).toEqual([expect.objectContaining({ keyId: id })]);
  });

  test('a key does what it has a scope for', async () => {
    const { key } = await makeKey(owner, { scopes: ['session:read'] });
    const refused = await client(key).ask('/api/v1/broker/sandbox/token');
    expect(refused).toMatchObject({ status: 403, body: { error: 'forbidden' } });
    expect(refused.body.message).toContain('broker:token');
    expect(refused.headers.get('www-authenticate')).toContain(
      'error="insufficient_scope", scope="broker:token"',
    );
    for (const path of ['/symbols', '/symbols/NSE/INFY', '/strategies', '/signals'])
      expect((await client(key).ask(`/api/v1${path}`)).status).toBe(403);
    expect((await client(key).ask(SESSION)).status).toBe(200);
  });

  test('a key in the address is refused with words, and is not looked at', async () => {
    const { key } = await makeKey(owner);
    for (const query of [`api_key=${key}`, `x=${key}`, 'apikey=1', 'token=1', 'access_token=1', 'key=1']) {
      for (const asking of [client(), client(key)]) {
        const answer = await asking.ask(`${SESSION}?${query}`);
        expect(answer).toMatchObject({ status: 400, body: { error: 'invalid' } });
        expect(answer.body.message).toContain('never in the address');
      }
    }
    expect(server.logText()).not.toContain(key);
  });

  test('two different keys at once are refused', async () => {
    const [one, two] = [await makeKey(owner), await makeKey(owner)];
    const headers = { 'X-API-Key': two.key };
    expect((await client(one.key).ask(SESSION, { headers })).status).toBe(400);
    expect((await client(one.key).ask(SESSION, { headers: { 'X-API-Key': one.key } })).status).toBe(200);
  });

  test('wrong keys are counted by what is wrong with them, and missing ones are not', async () => {
    const { key } = await makeKey(owner);
    const counted = async () =>
      /curfew_api_keys_refused_total\{why="not_ours"\} (\d+)/.exec((await owner.get('/metrics')).text)?.[1] ??
      '0';
    const before = Number(await counted());
    await client('cfw_wrong').ask(SESSION);
    await client().ask(SESSION);
    await client(key).ask(SESSION);
    expect(Number(await counted())).toBe(before + 1);
  });

  test('who was refused is on record, once and not for each try', async () => {
    const { id, key } = await makeKey(owner);
    await owner.submit(`/api-keys/${id}/revocation`, {}, '/api-keys');
    for (let round = 0; round < 3; round += 1) await client(key, from('198.51.100.77')).ask(SESSION);
    await client(key, from('198.51.100.78')).ask(SESSION);
    const refused = (await events('api_key.refused')).filter(({ keyId }) => keyId === id);
    expect(refused).toEqual([
      { type: 'api_key.refused', keyId: id, why: 'revoked' },
      { type: 'api_key.refused', keyId: id, why: 'revoked' },
    ]);
  });

  test('a browser’s session is no key', async () => {
    const answer = await owner.get(SESSION, { Accept: 'application/json' });
    expect(answer.status).toBe(401);
    expect(answer.body).toMatchObject({ error: 'bad_api_key' });
  });

  test('when and from where a key was used is written in batches', async () => {
    const { id, key } = await makeKey(owner);
    await client(key, from('198.51.100.4')).ask(SESSION);
    const lastUsed = async () => (await server.services.api.apiKeys.find(id))?.lastUsed;
    expect(await lastUsed()).toBeUndefined();
    await server.services.api.usage.flush();
    expect(await lastUsed()).toEqual({ at: clock.now(), address: '198.51.100.4' });
    expect((await owner.get('/api-keys')).text).toContain('198.51.100.4');
  });

  test('a key never stands in the database or in the log', async () => {
    const { key } = await makeKey(owner);
    await client(key).ask(SESSION);
    const { db } = server.infrastructure.database;
    const tables = ['api_keys', 'audit_log', 'bus_messages', 'sessions'] as const;
    const rows = await Promise.all(tables.map((table) => db.selectFrom(table).selectAll().execute()));
    expect(JSON.stringify(rows)).not.toContain(key.split('_')[2]);
    expect(JSON.stringify(rows)).toContain('$argon2id$');
    expect(server.logText()).not.toContain(key.split('_')[2]);
  });
});
