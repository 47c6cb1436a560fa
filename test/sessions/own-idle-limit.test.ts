import { Redis } from 'ioredis';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { createOwnIdleLimits } from '../../src/sessions/redis/own-idle-limits.ts';
import { createSessionLifetime } from '../../src/sessions/session-lifetime.ts';
import type { SessionStorage } from '../../src/sessions/session-storage.ts';
import { openDatabase } from '../../src/storage/database.ts';
import type { RedisClient } from '../../src/storage/redis.ts';
import { connectTo } from '../storage/redis-clients.ts';
import { postgresLocation } from '../support/databases.ts';
import { eventually } from '../support/eventually.ts';
import { createRedisDatabase } from '../support/redis-server.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { onRedis, openMemory, SESSION_RIGS, type SessionRig, USUAL_POLICY } from './session-rigs.ts';
import { loadBody, putSession, saveBody, sessionBody } from './stored-sessions.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60_000;
const START = Date.parse('2026-11-23T10:00:00+05:30');

describe.each(SESSION_RIGS)('sessions with an idle limit of their own, on %s', (place, open) => {
  let clock: SettableClock;
  let rig: SessionRig;
  let storage: SessionStorage;
  let registry: SessionStorage['registry'];

  beforeEach(async () => {
    clock = createSettableClock(START);
    rig = await open(clock);
    ({ storage } = rig);
    ({ registry } = storage);
  });
  afterEach(() => rig.close());

  const signIn = (userId = 'asha') => putSession(storage, { userId, loginTime: clock.now() });
  const devices = async (userId = 'asha') => (await registry.listByUser(userId)).map(({ sid }) => sid);
  const seenAt = (sid: string, instant: number) =>
    eventually(async () => expect(await registry.lastSeen(sid)).toBe(instant));

  it('are over at that limit, to the millisecond, and other people’s are not', async () => {
    const [mine, theirs] = [await signIn(), await signIn('ravi')];
    await registry.setIdleLimit('asha', 10 * MINUTE_MS);
    clock.set(START + 10 * MINUTE_MS - 1);
    expect(await registry.findIdle(10)).toEqual([]);
    expect(await devices()).toEqual([mine]);
    expect(await registry.endingOf(mine)).toBeUndefined();
    clock.advance(1);
    expect(await registry.findIdle(10)).toEqual([mine]);
    expect(await devices()).toEqual([]);
    // Redis lets keys run out by the real clock: see below.
    if (place !== 'Redis') expect(await loadBody(storage, mine)).toBeFalsy();
    expect(await registry.endingOf(mine)).toBe('idle');
    expect(await devices('ravi')).toEqual([theirs]);
    expect(await loadBody(storage, theirs)).toBeTruthy();
  });

  it('are all those of the person, on every node at once', async () => {
    const [first, second] = [await signIn(), await signIn()];
    const other = rig.anotherNode();
    await loadBody(other, second);
    await registry.setIdleLimit('asha', 10 * MINUTE_MS);
    for (const sid of [first, second]) expect(await other.registry.ownIdleLimit(sid)).toBe(10 * MINUTE_MS);
    clock.advance(10 * MINUTE_MS);
    expect([...(await other.registry.findIdle(10))].sort()).toEqual([first, second].sort());
  });

  it('never last longer than the server’s limit', async () => {
    const sid = await signIn();
    await registry.setIdleLimit('asha', 8 * 60 * MINUTE_MS);
    clock.advance(30 * MINUTE_MS);
    expect(await registry.findIdle(10)).toEqual([sid]);
    expect(await devices()).toEqual([]);
  });

  it('have it also where the server has none', async () => {
    rig.policy.replace({ ...USUAL_POLICY, idleTimeoutMs: 'off' });
    const sid = await signIn();
    await registry.setIdleLimit('asha', 60 * MINUTE_MS);
    clock.advance(60 * MINUTE_MS - 1);
    expect(await registry.findIdle(10)).toEqual([]);
    clock.advance(1);
    expect(await registry.findIdle(10)).toEqual([sid]);
  });

  it('live on while they are used', async () => {
    const sid = await signIn();
    await registry.setIdleLimit('asha', 10 * MINUTE_MS);
    for (let each = 1; each <= 5; each += 1) {
      clock.advance(9 * MINUTE_MS);
      expect(await loadBody(storage, sid)).toBeTruthy();
      await seenAt(sid, clock.now());
      expect(await registry.findIdle(10)).toEqual([]);
    }
    clock.advance(10 * MINUTE_MS);
    expect(await registry.findIdle(10)).toEqual([sid]);
  });

  it('follow a limit that gets shorter, also after somebody has looked for idle ones', async () => {
    const sid = await signIn();
    await registry.setIdleLimit('asha', 20 * MINUTE_MS);
    clock.advance(19 * MINUTE_MS);
    await loadBody(storage, sid);
    await seenAt(sid, clock.now());
    clock.advance(2 * MINUTE_MS);
    expect(await registry.findIdle(10)).toEqual([]);
    await registry.setIdleLimit('asha', 5 * MINUTE_MS);
    clock.advance(3 * MINUTE_MS - 1);
    expect(await registry.findIdle(10)).toEqual([]);
    clock.advance(1);
    expect(await registry.findIdle(10)).toEqual([sid]);
  });

  it('follow one that gets longer, and one that is taken away', async () => {
    const sid = await signIn();
    await registry.setIdleLimit('asha', 5 * MINUTE_MS);
    await registry.setIdleLimit('asha', 15 * MINUTE_MS);
    clock.advance(15 * MINUTE_MS - 1);
    expect(await registry.findIdle(10)).toEqual([]);
    await registry.setIdleLimit('asha', undefined);
    expect(await registry.ownIdleLimit(sid)).toBeUndefined();
    clock.advance(15 * MINUTE_MS);
    expect(await registry.findIdle(10)).toEqual([]);
    expect(await devices()).toEqual([sid]);
    clock.advance(1);
    expect(await registry.findIdle(10)).toEqual([sid]);
  });

  it('are found all, though more are due to be looked at than are over', { timeout: 60_000 }, async () => {
    for (let each = 0; each < 620; each += 1) await signIn(`user-${each}`);
    await Promise.all(
      Array.from({ length: 620 }, (_, each) => registry.setIdleLimit(`user-${each}`, 10 * MINUTE_MS)),
    );
    const last = await signIn('zoe');
    await registry.setIdleLimit('zoe', 10 * MINUTE_MS);
    clock.advance(5 * MINUTE_MS);
    const used = new Set<string>();
    for (let each = 0; each < 620; each += 1) for (const sid of await devices(`user-${each}`)) used.add(sid);
    for (const sid of used) await loadBody(storage, sid);
    await eventually(async () => {
      for (const sid of used) expect(await registry.lastSeen(sid)).toBe(clock.now());
    });
    clock.advance(5 * MINUTE_MS);
    expect(await registry.findIdle(200)).toEqual([last]);
  });

  it('take no more than is asked for, and name each once', async () => {
    for (let each = 0; each < 5; each += 1) await signIn();
    await registry.setIdleLimit('asha', 10 * MINUTE_MS);
    clock.advance(40 * MINUTE_MS);
    expect(await registry.findIdle(3)).toHaveLength(3);
    const all = await registry.findIdle(10);
    expect(new Set(all).size).toBe(5);
    expect(all).toHaveLength(5);
  });

  it('know nothing of people and sessions that are not there', async () => {
    await registry.setIdleLimit('nobody', 10 * MINUTE_MS);
    expect(await registry.ownIdleLimit('nothing')).toBeUndefined();
    const sid = await signIn();
    await registry.setIdleLimit('asha', 10 * MINUTE_MS);
    await registry.end([sid], 'logged_out');
    expect(await registry.ownIdleLimit(sid)).toBeUndefined();
    clock.advance(10 * MINUTE_MS);
    expect(await registry.findIdle(10)).toEqual([]);
  });
});

describe('the key of a session with an idle limit of its own, in Redis', () => {
  let clock: SettableClock;
  let rig: SessionRig;
  let redis: Redis;
  let sid: string;

  beforeEach(async () => {
    const url = await createRedisDatabase({ url: inject('redisUrl') });
    redis = new Redis(url);
    clock = createSettableClock(START);
    rig = onRedis(await connectTo(url), clock);
    sid = await putSession(rig.storage, { userId: 'asha', loginTime: START });
    await rig.storage.registry.setIdleLimit('asha', 10 * MINUTE_MS);
  });
  afterEach(async () => {
    await rig.close();
    redis.disconnect();
  });

  const runsOutAfter = (expectedMs: number) =>
    eventually(async () => {
      const left = await redis.pttl(`curfew:sess:${sid}`);
      expect(left).toBeLessThanOrEqual(expectedMs);
      expect(left).toBeGreaterThan(expectedMs - 5 * SECOND_MS);
    });

  it('runs out by itself at that limit', () => runsOutAfter(10 * MINUTE_MS));

  it('does so after a use that is written at once', async () => {
    clock.advance(MINUTE_MS);
    await loadBody(rig.storage, sid);
    await runsOutAfter(10 * MINUTE_MS);
  });

  it('does so after a use that is written later, on another node', async () => {
    const node = rig.anotherNode();
    await loadBody(node, sid);
    clock.advance(50 * SECOND_MS);
    await loadBody(node, sid);
    clock.advance(30 * SECOND_MS);
    await node.registry.flush({ all: true });
    await runsOutAfter(9.5 * MINUTE_MS);
  });

  it('does so after the session was saved', async () => {
    const body = sessionBody({ userId: 'asha', loginTime: START });
    await redis.del(`curfew:sess:${sid}`);
    await saveBody(rig.storage, sid, body);
    await saveBody(rig.storage, sid, Object.assign(body, { csrfSecret: 'second' }));
    await runsOutAfter(10 * MINUTE_MS);
  });

  it('does so after the server’s limit was changed', async () => {
    rig.policy.replace({ ...USUAL_POLICY, idleTimeoutMs: 60 * MINUTE_MS });
    await rig.storage.registry.applyPolicy();
    await runsOutAfter(10 * MINUTE_MS);
    rig.policy.replace({ ...USUAL_POLICY, idleTimeoutMs: 2 * MINUTE_MS });
    await rig.storage.registry.applyPolicy();
    await runsOutAfter(2 * MINUTE_MS);
  });

  it('has the server’s limit again when its own is taken away', async () => {
    clock.advance(5 * MINUTE_MS);
    await rig.storage.registry.setIdleLimit('asha', undefined);
    await runsOutAfter(25 * MINUTE_MS);
  });

  it('leaves nothing of it behind that was given to a session which ended in the same moment', async () => {
    await rig.storage.registry.end([sid], 'logged_out');
    await redis.hset('curfew:sessions:own-idle', sid, '600000');
    await redis.zadd('curfew:sessions:by-own-deadline', clock.now(), sid);
    expect(await rig.storage.registry.findIdle(10)).toEqual([]);
    expect((await redis.keys('*')).filter((key) => key.includes('own'))).toEqual([]);
  });

  it('leaves nothing of the limit behind when the session ends', async () => {
    await rig.storage.registry.end([sid], 'logged_out');
    const keys = (await redis.keys('*')).filter((key) => key.includes('own'));
    expect(keys).toEqual([]);
  });
});

describe('idle limits of their own that change in the middle of something, in Redis', () => {
  let clock: SettableClock;
  let redis: RedisClient;
  let rig: SessionRig;
  let sid: string;

  beforeEach(async () => {
    redis = await connectTo(await createRedisDatabase({ url: inject('redisUrl') }));
    clock = createSettableClock(START);
    rig = onRedis(redis, clock);
    sid = await putSession(rig.storage, { userId: 'asha', loginTime: START });
  });
  afterEach(() => rig.close());

  /** Another node’s limits; something happens there just before it gives this command for the first time. */
  function nodeInterruptedBefore(command: 'pexpire' | 'zadd' | 'zrem', happens: () => Promise<void>) {
    let interrupted = false;
    const slow = new Proxy(redis, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        return async (...args: unknown[]) => {
          const first = name === command && !interrupted;
          if (first) {
            interrupted = true;
            await happens();
          }
          return value.apply(target, args);
        };
      },
    });
    const lifetime = createSessionLifetime({ clock, calendar: rig.calendar, policy: rig.policy });
    return createOwnIdleLimits({ redis: slow, clock, lifetime });
  }

  it('a use meanwhile is not forgotten by who gives the limit', async () => {
    clock.advance(9 * MINUTE_MS);
    const limits = nodeInterruptedBefore('pexpire', async () => {
      await loadBody(rig.storage, sid);
      await eventually(async () => expect(await rig.storage.registry.lastSeen(sid)).toBe(clock.now()));
    });
    await limits.set([sid], 10 * MINUTE_MS);
    expect(await redis.pttl(`curfew:sess:${sid}`)).toBeGreaterThan(9 * MINUTE_MS);
  });

  it('a shorter limit meanwhile is not overlooked by who looks for idle ones', async () => {
    await rig.storage.registry.setIdleLimit('asha', 20 * MINUTE_MS);
    clock.advance(10 * MINUTE_MS);
    await loadBody(rig.storage, sid);
    await eventually(async () => expect(await rig.storage.registry.lastSeen(sid)).toBe(clock.now()));
    clock.advance(11 * MINUTE_MS);
    const limits = nodeInterruptedBefore('zadd', () =>
      rig.storage.registry.setIdleLimit('asha', 5 * MINUTE_MS),
    );
    expect(await limits.findIdle(10)).toEqual([sid]);
  });

  it('a new limit meanwhile is not taken for the old one’s remains', async () => {
    await redis.zadd('curfew:sessions:by-own-deadline', clock.now(), sid);
    const limits = nodeInterruptedBefore('zrem', () =>
      rig.storage.registry.setIdleLimit('asha', 5 * MINUTE_MS),
    );
    expect(await limits.findIdle(10)).toEqual([]);
    clock.advance(5 * MINUTE_MS);
    expect(await rig.storage.registry.findIdle(10)).toEqual([sid]);
  });
});

describe.each([
  ['SQLite', openMemory, 'explain query plan'],
  ['Postgres', async () => openDatabase(await postgresLocation()), 'explain'],
] as const)('looking for sessions that are over by their own limits, on %s', (_name, open, explain) => {
  it('reads an index and not everybody’s sessions', async () => {
    const database = await open();
    try {
      const plan = await database.db.transaction().execute(async (trx) => {
        // Of a nearly empty table Postgres would rather read all of it.
        if (database.dialect === 'postgres') await sql`set local enable_seqscan = off`.execute(trx);
        const { rows } = await sql`${sql.raw(explain)} select sid from sessions
          where own_idle_ms is not null and last_seen + own_idle_ms <= ${START} limit 10`.execute(trx);
        return JSON.stringify(rows);
      });
      expect(plan).toContain('sessions_by_own_deadline');
    } finally {
      await database.close();
    }
  });
});
