import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { WebSocket } from 'ws';
import { createEpochStore } from '../../src/revocation/epoch-store.ts';
import { createSessionActors } from '../../src/sessions/session-actors.ts';
import { createStandingStore } from '../../src/sessions/standing-store.ts';
import { createApiClient, makeKey } from '../api/api-client.ts';
import { createPostgresDatabase } from '../support/databases.ts';
import { createRedisDatabase } from '../support/redis-server.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { connectSandbox, createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';

const ORIGIN = { actor: 'test' };
const TRADER = { username: 'ravi', password: 'long-quiet-evening-77', email: 'ravi@example.org' } as const;

/** Two nodes each: what one of them changes counts at the other. */
const WORLDS = [
  ['SQLite', async () => ({})],
  [
    'Postgres and Redis',
    async () => {
      const url = await createRedisDatabase({ url: inject('redisUrl') });
      return { DATABASE_URL: await createPostgresDatabase(), REDIS_URL: url };
    },
  ],
] as const;

describe.each(WORLDS)('a viewer, on %s,', (name, open) => {
  let nodes: readonly TestServer[];
  let userId: string;
  let person: Visitor;

  const first = (): TestServer => nodes[0] as TestServer;
  const last = (): TestServer => nodes.at(-1) as TestServer;

  beforeAll(async () => {
    const env = await open();
    nodes = [await startTestServer({ env, jobs: true })];
    if (name !== 'SQLite') nodes = [...nodes, await startTestServer({ env, jobs: true })];
    await setUp(createVisitor(first().origin));
    const made = await first().services.accounts.userAdmin.create({ ...TRADER, role: 'user' }, ORIGIN);
    if (made.kind !== 'created') throw new Error(made.kind);
    userId = made.user.id;
  });
  afterAll(() => Promise.all(nodes.map((node) => node.close())));
  beforeEach(async () => {
    await first().services.accounts.userAdmin.changeRole('ravi', 'user', ORIGIN);
    person = createVisitor(last().origin);
    await signIn(person, TRADER);
  });

  async function openSocket(): Promise<WebSocket> {
    const socket = new WebSocket(`${last().origin.replace('http', 'ws')}/ws`, {
      headers: { Cookie: `curfew=${person.sessionCookie()}`, Origin: last().origin },
    });
    await once(socket, 'open');
    return socket;
  }

  const demote = () => first().services.accounts.userAdmin.changeRole('ravi', 'viewer', ORIGIN);

  it('is refused at the very next request after the change, with sockets and broker tokens', async () => {
    await connectSandbox(person);
    const socket = await openSocket();
    const closed = once(socket, 'close');
    expect(await demote()).toMatchObject({ kind: 'changed' });
    expect((await person.get('/dashboard')).location).toContain('reason=revoked');
    expect((await closed)[0]).toBe(4401);
    const { rows } = await tokens();
    expect(rows).toEqual([expect.objectContaining({ is_revoked: 1, access_token: null })]);
  });

  const tokens = async () => ({
    rows: await first()
      .infrastructure.database.db.selectFrom('broker_tokens')
      .select(['is_revoked', 'access_token'])
      .where('user_id', '=', userId)
      .orderBy('id', 'desc')
      .limit(1)
      .execute(),
  });

  it('signs in, sees pages, and changes nothing but their own account', async () => {
    await demote();
    person = createVisitor(last().origin);
    await signIn(person, TRADER);
    const dashboard = await person.get('/dashboard');
    expect(dashboard.text).toContain('Your role is viewer');
    expect(dashboard.text).not.toContain('href="/broker"');
    for (const path of [
      '/symbols',
      '/strategies',
      '/api-keys',
      '/telegram',
      '/settings',
      '/sessions',
      '/profile',
    ])
      expect((await person.get(path)).status, path).toBe(200);
    for (const path of ['/broker', '/broker/sandbox/credentials', '/api-keys/new', '/users', '/security'])
      expect((await person.get(path)).status, path).toBe(403);
    for (const path of ['/broker/sandbox/connection', '/strategies', '/telegram/test', '/api-keys'])
      expect((await person.submit(path, {}, '/dashboard')).status, path).toBe(403);

    const settings = {
      theme: 'dark',
      dateFormat: 'iso',
      alertMinutes: '10',
      idleTimeout: 'server',
      defaultBroker: 'server',
    };
    expect((await person.submit('/settings', settings)).status).toBeLessThan(400);
    expect((await person.submit('/profile/email', { email: 'ravi@example.net' })).status).toBe(303);
    const password = { currentPassword: TRADER.password, newPassword: TRADER.password };
    expect((await person.submit('/profile/password', password)).text).toContain('Choose another password');
    expect((await person.submit('/sessions/revocation', {}, '/sessions')).status).toBe(303);
    expect((await person.submit('/auth/logout', {}, '/dashboard')).location).toContain('logged_out');
  });

  it('has API keys that read, and get no broker token', async () => {
    const { key } = await makeKey(person, { scopes: ['session:read', 'broker:token'] });
    const client = createApiClient(last().origin, key);
    await connectSandbox(person);
    expect((await client.ask('/api/v1/broker/sandbox/token')).status).toBe(200);
    await demote();
    expect((await client.ask('/api/v1/session')).status).toBe(200);
    const refused = await client.ask('/api/v1/broker/sandbox/token');
    expect(refused.status).toBe(403);
    expect(JSON.stringify(refused.body)).toContain('viewer');
  });

  it('writes nothing with a request that began before the change', async () => {
    await demote();
    const { calendar, clock, database } = first().infrastructure;
    const epoch = await createEpochStore(database).current(userId);
    const actors = createSessionActors({ standings: createStandingStore(database), calendar, clock });
    const actor = actors.of({ userId, sid: undefined, epoch, loginTime: clock.now() });
    const write = () =>
      database.acting.run(actor, () =>
        database.db.updateTable('users').set({ email: 'x@example.org' }).where('id', '=', userId).execute(),
      );
    await expect(write()).rejects.toMatchObject({ code: 'forbidden' });
    actor.viewerMay = true;
    await write();
  });

  it('is no administrator any more at the very next request, and nothing at all once disabled', async () => {
    const { userAdmin } = first().services.accounts;
    await userAdmin.changeRole('ravi', 'admin', ORIGIN);
    expect((await person.get('/users')).status).toBe(200);
    const socket = await openSocket();
    const closed = once(socket, 'close');
    expect(await userAdmin.changeRole('ravi', 'user', ORIGIN)).toMatchObject({ kind: 'changed' });
    const refused = await person.get('/users');
    expect([refused.status, refused.text]).toEqual([403, expect.stringContaining('for administrators')]);
    // Traders have sockets too: it ends with the account, and no sooner.
    expect((await person.get('/dashboard')).status).toBe(200);
    expect(socket.readyState).toBe(WebSocket.OPEN);

    expect(await userAdmin.disable('ravi', ORIGIN)).toMatchObject({ kind: 'disabled' });
    expect((await person.get('/dashboard')).location).toContain('/auth/login?reason=');
    expect((await closed)[0]).toBe(4401);
    expect((await createVisitor(last().origin).submit('/auth/login', TRADER)).status).toBe(401);
    await userAdmin.enable('ravi', ORIGIN);
  });

  it('is not made of the last administrator', async () => {
    const done = await first().services.accounts.userAdmin.changeRole('asha', 'viewer', ORIGIN);
    expect(done.kind).toBe('last_admin');
  });
});
