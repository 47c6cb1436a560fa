import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { findEverybody } from '../../src/cli/revoke-sessions.ts';
import { sessionKey } from '../../src/sessions/redis/redis-keys.ts';
import { parseStoredSession } from '../../src/sessions/stored-session.ts';
import { eventually } from '../support/eventually.ts';
import { createDatabase } from '../support/postgres-server.ts';
import { createRedisDatabase } from '../support/redis-server.ts';
import { createSettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { sessionBody } from './stored-sessions.ts';

const OTHER = { username: 'ravi', password: 'long-quiet-evening-77', email: 'ravi@example.org' } as const;
const OTHER_TYPE = 'a hash in place of a text';

const whole = sessionBody({ userId: 'asha', loginTime: 0 });

describe('a stored body', () => {
  it('is a session with all that a sign-in stores', () => {
    expect(parseStoredSession(JSON.stringify(whole))).toMatchObject({ userId: 'asha', epoch: 0 });
  });

  it.each(['cookie', 'userId', 'username', 'role', 'epoch', 'loginTime', 'deviceId', 'userAgent', 'address'])(
    'is none without %s',
    (name) => {
      expect(parseStoredSession(JSON.stringify({ ...whole, [name]: undefined }))).toBeUndefined();
      expect(parseStoredSession(JSON.stringify({ ...whole, [name]: null }))).toBeUndefined();
    },
  );

  it.each(['', 'half a {', '{}', 'null', '[]', '"text"', '7'])('is none as %j', (text) => {
    expect(parseStoredSession(text)).toBeUndefined();
  });
});

describe.each([
  ['SQLite', async () => ({})],
  ['Postgres', async () => ({ DATABASE_URL: await createDatabase({ url: inject('postgresUrl') }) })],
  ['Redis', async () => ({ REDIS_URL: await createRedisDatabase({ url: inject('redisUrl') }) })],
] as const)('an unreadable session on %s', (name, settings) => {
  const clock = createSettableClock('2026-11-23T10:00:00+05:30');
  let server: TestServer;
  let admin: Visitor;
  let otherId: string;

  beforeAll(async () => {
    server = await startTestServer({ clock, env: { ...(await settings()), MAX_SESSIONS_PER_USER: '20' } });
    admin = createVisitor(server.origin);
    await setUp(admin);
    await signIn(admin);
    const made = await server.services.accounts.userAdmin.create(
      { ...OTHER, role: 'user' },
      { actor: 'test' },
    );
    if (made.kind !== 'created') throw new Error(made.kind);
    otherId = made.user.id;
  });
  afterAll(() => server.close());

  async function spoil(sid: string, body: string): Promise<void> {
    const { redis, database } = server.infrastructure;
    if (redis === undefined)
      await database.db.updateTable('sessions').set({ body }).where('sid', '=', sid).execute();
    else if (body === OTHER_TYPE) {
      await redis.unlink(sessionKey(sid));
      await redis.hset(sessionKey(sid), 'a', 'b');
    } else await redis.set(sessionKey(sid), body);
  }

  const sidsOfOther = async () => (await server.services.registry.listByUser(otherId)).map(({ sid }) => sid);
  const receipts = async () =>
    (
      await server.infrastructure.database.db
        .selectFrom('revocations')
        .select('scope')
        .where('reason', '=', 'unreadable_session')
        .execute()
    ).map(({ scope }) => JSON.parse(scope).kind);

  const bodies = ['half a {', '{}', 'null', ...(name === 'Redis' ? [OTHER_TYPE] : [])];

  it.each(bodies)('is none, and is ended with what it opened: %s', async (body) => {
    const person = createVisitor(server.origin);
    await signIn(person, OTHER);
    const [sid = ''] = await sidsOfOther();
    const before = (await receipts()).length;
    await spoil(sid, body);
    const answer = await person.get('/dashboard');
    expect([answer.status, answer.location]).toEqual([303, expect.stringContaining('/auth/login?reason=')]);
    await eventually(async () => expect(await receipts()).toHaveLength(before + 1));
    expect((await receipts()).at(-1)).toBe('account');
    await eventually(async () => expect(await server.services.registry.isIndexed(sid)).toBe(false));
    await signIn(person, OTHER);
    expect((await person.get('/dashboard')).status).toBe(200);
    await server.services.sessions.lifecycle.endAccount(otherId, 'logged_out', { actor: 'test' });
  });

  it('is in nobody’s way: lists leave it out, and the other sessions go on', async () => {
    const [broken, whole] = [createVisitor(server.origin), createVisitor(server.origin)];
    await signIn(broken, OTHER);
    clock.advance(1000);
    await signIn(whole, OTHER);
    const [sid = ''] = await sidsOfOther();
    await spoil(sid, 'half a {');
    const page = await admin.get('/security/sessions');
    expect(page.status).toBe(200);
    expect(await findEverybody(server.services)).toContain(otherId);
    await eventually(async () => expect(await server.services.registry.isIndexed(sid)).toBe(false));
    expect((await receipts()).at(-1)).toBe('device');
    expect((await whole.get('/dashboard')).status).toBe(200);
    expect((await broken.get('/auth/login')).status).toBe(200);
  });

  it('is logged and counted', async () => {
    expect(server.logText()).toContain('A stored session cannot be read: it is ended');
    const metrics = await (await fetch(`${server.origin}/metrics`)).text();
    expect(metrics).toContain(`curfew_sessions_unreadable_total ${bodies.length + 1}`);
  });
});
