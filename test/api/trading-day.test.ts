import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { createPostgresDatabase } from '../support/databases.ts';
import { eventually } from '../support/eventually.ts';
import { createRedisDatabase } from '../support/redis-server.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { connectSandbox, createVisitor, PERSON, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { type ApiAnswer, createApiClient, makeKey } from './api-client.ts';

const MONDAY_MORNING = '2026-11-23T10:00:00+05:30';
const LAST_MILLISECOND = '2026-11-24T02:59:59.999+05:30';
const TUESDAY_CUTOFF = '2026-11-24T03:00:00.000+05:30';
const TUESDAY_MORNING = '2026-11-24T09:00:00.000+05:30';

const WAYS_TO_RUN = {
  'embedded on SQLite': { nodes: 1, environment: async () => ({}) },
  'on two nodes with Redis and Postgres': {
    nodes: 2,
    environment: async () => ({
      DATABASE_URL: await createPostgresDatabase(),
      REDIS_URL: await createRedisDatabase({ url: inject('redisUrl') }),
    }),
  },
} as const;

describe.each(Object.entries(WAYS_TO_RUN))('a program’s trading day, %s', (_name, { nodes, environment }) => {
  let clock: SettableClock;
  let servers: readonly TestServer[];
  let owner: Visitor;
  let key: string;

  beforeEach(async () => {
    clock = createSettableClock(MONDAY_MORNING);
    const env = { ...(await environment()), SESSION_IDLE_TIMEOUT: 'off', API_RATE_LIMIT: '1000/minute' };
    servers = await Promise.all(Array.from({ length: nodes }, () => startTestServer({ clock, env })));
    owner = createVisitor(first().origin);
    await setUp(owner);
    await signIn(owner);
    ({ key } = await makeKey(owner));
  });
  afterEach(() => Promise.all(servers.map((server) => server.close())));

  function first(): TestServer {
    const [server] = servers;
    if (server === undefined) throw new Error('There is no node');
    return server;
  }

  /** The answer that every node gives. */
  async function ask(path: string, as = key): Promise<ApiAnswer> {
    const answers = await Promise.all(servers.map(({ origin }) => createApiClient(origin, as).ask(path)));
    const [answer] = answers;
    if (answer === undefined) throw new Error('There is no node');
    expect(new Set(answers.map(({ status }) => status)).size).toBe(1);
    return answer;
  }

  /** Of how many keys each node remembers that they were good. */
  const remembered = () => servers.map(({ services }) => services.api.verifier.size);

  const token = (as = key) => ask('/api/v1/broker/sandbox/token', as);

  test('it is refused at the cutoff with broker_reauth_required, and works again without a new key', async () => {
    await connectSandbox(owner);
    const monday = await token();
    expect(monday).toMatchObject({
      status: 200,
      body: {
        data: {
          broker: 'sandbox',
          issuedAt: '2026-11-23T10:00:00.000+05:30',
          validUntil: '2026-11-23T11:00:00.000+05:30',
        },
      },
    });
    expect(monday.headers.get('cache-control')).toBe('no-store');

    // Warm caches, no sweep: the clock alone.
    clock.set(LAST_MILLISECOND);
    await first().services.brokers.refresher.drain();
    expect(await token()).toMatchObject({
      status: 200,
      body: { data: { validUntil: '2026-11-24T03:00:00.000+05:30' } },
    });
    clock.set(TUESDAY_CUTOFF);
    const refused = await token();
    expect(refused).toMatchObject({ status: 409, body: { error: 'broker_reauth_required' } });
    expect(refused.body.message).toMatch(/Practice Broker.*cutoff.*connect/i);
    expect(refused.text).not.toContain(String(monday.body.data?.['token']));

    // The key itself is as good as ever.
    const session = await ask('/api/v1/session');
    expect(session).toMatchObject({ status: 200, body: { data: { session: { live: false } } } });
    expect(session.body.data?.['brokers']).toContainEqual(
      expect.objectContaining({ broker: 'sandbox', connected: false, state: 'expired' }),
    );
    await first().services.revocation.sweep.runIfDue();
    expect((await token()).status).toBe(409);

    clock.set(TUESDAY_MORNING);
    await signIn(owner);
    expect((await token()).status).toBe(409);
    await connectSandbox(owner);
    const tuesday = await token();
    expect(tuesday).toMatchObject({
      status: 200,
      body: { data: { validUntil: '2026-11-24T10:00:00.000+05:30' } },
    });
    expect(tuesday.body.data?.['token']).not.toBe(monday.body.data?.['token']);
  });

  test('it is told three things apart: no key, no broker, and that it may not', async () => {
    expect(await token('cfw_wrong')).toMatchObject({ status: 401, body: { error: 'bad_api_key' } });
    expect(await token()).toMatchObject({ status: 409, body: { error: 'broker_reauth_required' } });
    const narrow = await makeKey(owner, { scopes: ['session:read'] });
    expect(await token(narrow.key)).toMatchObject({ status: 403, body: { error: 'forbidden' } });
    expect(await ask('/api/v1/broker/nosuch/token')).toMatchObject({
      status: 404,
      body: { error: 'not_found' },
    });
  });

  test('it gets the token of its owner and of nobody else', async () => {
    await first().services.accounts.userAdmin.create(
      { username: 'ravi', email: 'ravi@example.org', role: 'user', password: PERSON.password },
      { actor: 'test' },
    );
    const ravi = createVisitor(first().origin);
    await signIn(ravi, { ...PERSON, username: 'ravi' });
    const his = await makeKey(ravi);
    await connectSandbox(owner);
    expect((await token()).status).toBe(200);
    expect((await token(his.key)).status).toBe(409);
  });

  test('it loses the token with the last session, and keeps the key', async () => {
    await connectSandbox(owner);
    expect((await token()).status).toBe(200);
    await owner.submit('/auth/logout', {}, '/dashboard');
    expect((await token()).status).toBe(409);
    expect((await ask('/api/v1/session')).status).toBe(200);
  });

  test('it is refused by every node as soon as the key is revoked on one', async () => {
    const { id, key: doomed } = await makeKey(owner);
    expect((await ask('/api/v1/session', doomed)).status).toBe(200);
    expect(remembered()).toEqual(servers.map(() => 1));
    await owner.submit(`/api-keys/${id}/revocation`, {}, '/api-keys');
    expect((await ask('/api/v1/session', doomed)).status).toBe(401);
    await eventually(() => expect(remembered()).toEqual(servers.map(() => 0)));
  });

  test('it is refused by every node as soon as its owner is disabled on one', async () => {
    expect((await ask('/api/v1/session')).status).toBe(200);
    const { userAdmin } = first().services.accounts;
    // The last admin cannot be disabled.
    await userAdmin.create(
      { username: 'meera', email: 'meera@example.com', role: 'admin' },
      { actor: 'test' },
    );
    await userAdmin.disable(PERSON.username, { actor: 'test' });
    expect((await ask('/api/v1/session')).status).toBe(401);
    await eventually(() => expect(remembered()).toEqual(servers.map(() => 0)));
  });

  test('who has had the day’s token is on record, once for each connection', async () => {
    await connectSandbox(owner);
    for (let round = 0; round < 3; round += 1) await token();
    const { db } = first().infrastructure.database;
    const rows = await db
      .selectFrom('audit_log')
      .select(['actor', 'address'])
      .where('type', '=', 'api_key.broker_token_read')
      .execute();
    expect(rows).toEqual(Array.from({ length: nodes }, () => ({ actor: 'asha', address: '127.0.0.1' })));
  });
});

test('a token whose day ends while the answer is made is not given out', async () => {
  const clock = createSettableClock(MONDAY_MORNING);
  const server = await startTestServer({ clock, env: { SESSION_IDLE_TIMEOUT: 'off' } });
  const owner = createVisitor(server.origin);
  await setUp(owner);
  await signIn(owner);
  await connectSandbox(owner);
  const { key } = await makeKey(owner);
  clock.set(LAST_MILLISECOND);
  await server.services.brokers.refresher.drain();
  // The line in the audit log is the last thing that the answer waits for.
  const { audit } = server.services;
  const record = audit.record;
  audit.record = async (...args) => {
    await record(...args);
    clock.set(TUESDAY_CUTOFF);
  };
  const answer = await createApiClient(server.origin, key).ask('/api/v1/broker/sandbox/token');
  expect(answer).toMatchObject({ status: 409, body: { error: 'broker_reauth_required' } });
  await server.close();
});
