import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { DAY_MS, HOUR_MS } from '../../src/core/duration.ts';
import { createPostgresDatabase } from '../support/databases.ts';
import { createRedisDatabase } from '../support/redis-server.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { connectSandbox, createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';

const MONDAY = '2026-03-02T10:00:00+05:30';
const MONDAY_LATE = '2026-03-02T23:00:00+05:30';
const TUESDAY_CUTOFF = '2026-03-03T03:00:00.000+05:30';

const PLACES = {
  'embedded on SQLite': () => Promise.resolve({}),
  'on Redis and Postgres': async () => ({
    DATABASE_URL: await createPostgresDatabase(),
    REDIS_URL: await createRedisDatabase({ url: inject('redisUrl') }),
  }),
} as const;

describe.each(Object.entries(PLACES))('a clock that jumps, %s', (_name, place) => {
  let clock: SettableClock;
  let server: TestServer;
  let visitor: Visitor;
  let cookie: string;

  beforeEach(async () => {
    clock = createSettableClock(MONDAY);
    server = await startTestServer({ clock, env: { ...(await place()), SESSION_IDLE_TIMEOUT: 'off' } });
    visitor = createVisitor(server.origin);
    await setUp(visitor);
    await signIn(visitor);
    await connectSandbox(visitor);
    cookie = visitor.sessionCookie();
  });
  afterEach(() => server.close());

  const thiefStatus = async (): Promise<number> => {
    const thief = createVisitor(server.origin);
    thief.useSessionCookie(cookie);
    return (await thief.get('/dashboard')).status;
  };

  const tokens = () =>
    server.infrastructure.database.db
      .selectFrom('broker_tokens')
      .select(['is_revoked', 'revoke_reason'])
      .execute();

  const sweeps = async (): Promise<number> =>
    (
      await server.infrastructure.database.db
        .selectFrom('revocations')
        .select('id')
        .where('dedupe_key', 'like', 'sweep:%')
        .execute()
    ).length;

  test('back across the cutoff revives no session, un-revokes no token and sweeps nothing twice', async () => {
    clock.set(TUESDAY_CUTOFF);
    await server.services.revocation.sweep.runIfDue();
    expect(await thiefStatus()).toBe(303);
    const swept = await sweeps();

    clock.set(MONDAY_LATE);
    expect(await thiefStatus()).toBe(303);
    expect(await tokens()).toEqual([{ is_revoked: 1, revoke_reason: 'cutoff' }]);

    clock.set(TUESDAY_CUTOFF);
    expect(await server.services.revocation.sweep.runIfDue()).toBeUndefined();
    expect(await sweeps()).toBe(swept);
    expect(await thiefStatus()).toBe(303);
  });

  test('forward over several cutoffs sweeps the last one, once', async () => {
    const before = await sweeps();
    clock.set(TUESDAY_CUTOFF);
    clock.advance(3 * DAY_MS + HOUR_MS);
    expect(await server.services.revocation.sweep.runIfDue()).toMatchObject({ status: 'done' });
    expect(await server.services.revocation.sweep.runIfDue()).toBeUndefined();
    expect(await sweeps()).toBe(before + 1);
    expect(await thiefStatus()).toBe(303);
  });

  test('forward by mistake and back again lets people sign in on the day that it is', async () => {
    clock.advance(30 * DAY_MS);
    await server.services.revocation.sweep.runIfDue();
    expect(await thiefStatus()).toBe(303);

    clock.set(MONDAY_LATE);
    expect(await thiefStatus()).toBe(303);
    const again = createVisitor(server.origin);
    await signIn(again);
    expect((await again.get('/dashboard')).status).toBe(200);
  });

  test('refuses a session from a day to come, which only a wrong clock can have made', async () => {
    clock.advance(DAY_MS);
    const early = createVisitor(server.origin);
    await signIn(early);
    expect((await early.get('/dashboard')).status).toBe(200);
    clock.set(MONDAY);
    expect((await early.get('/dashboard')).status).toBe(303);
  });
});

test('two nodes whose clocks differ end a session at the cutoff of either, and neither brings it back', async () => {
  const env = { ...(await PLACES['on Redis and Postgres']()), SESSION_IDLE_TIMEOUT: 'off' };
  const [right, ahead] = [createSettableClock(MONDAY), createSettableClock(MONDAY)];
  const here = await startTestServer({ clock: right, env });
  const there = await startTestServer({ clock: ahead, env });
  const visitor = createVisitor(here.origin);
  await setUp(visitor);
  await signIn(visitor);
  const twin = createVisitor(there.origin);
  twin.useSessionCookie(visitor.sessionCookie());
  expect((await twin.get('/dashboard')).status).toBe(200);

  right.set('2026-03-03T02:59:59.000+05:30');
  ahead.set(TUESDAY_CUTOFF);
  expect(await there.services.revocation.sweep.runIfDue()).toMatchObject({ status: 'done' });
  expect((await visitor.get('/dashboard')).status).toBe(303);
  right.set(TUESDAY_CUTOFF);
  expect(await here.services.revocation.sweep.runIfDue()).toBeUndefined();
  await Promise.all([here.close(), there.close()]);
});
