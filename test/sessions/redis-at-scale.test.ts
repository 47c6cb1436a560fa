import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readByScore } from '../../src/sessions/redis/read-by-score.ts';
import { BY_LAST_SEEN, BY_LOGIN, sessionKey, userKey } from '../../src/sessions/redis/redis-keys.ts';
import { newSignedInSessionId } from '../../src/sessions/session-id.ts';
import { connectTo } from '../storage/redis-clients.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';
import { createSettableClock } from '../support/settable-clock.ts';
import { onRedis, type SessionRig } from './session-rigs.ts';
import { sessionBody } from './stored-sessions.ts';

const NOW = Date.parse('2026-11-23T10:00:00+05:30');
const HOUR_MS = 3_600_000;
const USERS = 20_000;
const SESSIONS_EACH = 5;
const USERS_AT_ONCE = 500;
/** Of Redis's own time: what everybody else waits for. */
const AT_MOST_MICROSECONDS = 500;
/** Measured: 0.3; what reads past all that it has read before needs 40. */
const AT_MOST_MICROSECONDS_A_MEMBER = 4;
const LOOKED_AT = 9;

const userId = (index: number): string => `user-${index}`;

describe(`among ${USERS * SESSIONS_EACH} sessions of ${USERS} people in Redis`, () => {
  let server: RedisServer;
  let rig: SessionRig;
  let redis: Redis;

  beforeAll(async () => {
    server = await startRedis();
    redis = new Redis(server.url);
    rig = onRedis(await connectTo(server.url), createSettableClock(NOW));
    for (let start = 0; start < USERS; start += USERS_AT_ONCE) await fill(start, start + USERS_AT_ONCE);
  }, 120_000);
  afterAll(async () => {
    redis.disconnect();
    await rig.close();
    await server.stop();
  });

  async function fill(from: number, to: number): Promise<void> {
    const pipeline = redis.pipeline();
    const byLogin: (string | number)[] = [];
    const byLastSeen: (string | number)[] = [];
    for (let user = from; user < to; user += 1) {
      const own: (string | number)[] = [];
      for (let each = 0; each < SESSIONS_EACH; each += 1) {
        const loginTime = NOW - HOUR_MS + user * SESSIONS_EACH + each;
        const sid = newSignedInSessionId(userId(user), loginTime);
        const body = JSON.stringify(sessionBody({ userId: userId(user), loginTime }));
        pipeline.set(sessionKey(sid), body, 'PX', HOUR_MS);
        own.push(0, sid);
        byLogin.push(loginTime, sid);
        byLastSeen.push(NOW, sid);
      }
      pipeline.zadd(userKey(userId(user)), ...own);
    }
    await pipeline
      .zadd(BY_LOGIN, ...byLogin)
      .zadd(BY_LAST_SEEN, ...byLastSeen)
      .exec();
  }

  /** What Redis did during `work`, and for how many microseconds. */
  async function statsOf(
    work: () => Promise<unknown>,
  ): Promise<{ microseconds: number; commands: string[] }> {
    await redis.config('RESETSTAT');
    await work();
    const lines = [...(await redis.info('commandstats')).matchAll(/^cmdstat_([^:]+):calls=\d+,usec=(\d+)/gm)];
    const said = lines.filter(([, name = '']) => !/^(config|info|ping)/.test(name));
    return {
      microseconds: said.reduce((sum, [, , usec]) => sum + Number(usec), 0),
      commands: said.map(([, name = '']) => name.replace(/\|.*/, '')),
    };
  }

  /** The middle of several: a machine with other work to do may interrupt Redis at any moment. */
  async function medianMicroseconds(work: (user: string) => Promise<unknown>): Promise<number> {
    const times: number[] = [];
    for (let user = 0; user < LOOKED_AT; user += 1)
      times.push((await statsOf(() => work(userId(user)))).microseconds);
    return times.sort((a, b) => a - b)[Math.floor(LOOKED_AT / 2)] ?? Number.NaN;
  }

  it('listing one person’s devices takes less than half a millisecond of Redis', async () => {
    const { registry } = rig.storage;
    expect(await registry.listByUser(userId(0))).toHaveLength(SESSIONS_EACH);
    expect(await medianMicroseconds((user) => registry.listByUser(user))).toBeLessThan(AT_MOST_MICROSECONDS);
  });

  it('ending one person’s sessions takes less than half a millisecond of Redis', async () => {
    const { registry } = rig.storage;
    const ended = await medianMicroseconds((user) => registry.endThroughEpoch(user, 0, 'logged_out'));
    expect(ended).toBeLessThan(AT_MOST_MICROSECONDS);
    expect(await registry.listByUser(userId(LOOKED_AT - 1))).toEqual([]);
  });

  it('reading all who were seen at the very same moment takes time for each, and not for each pair', async () => {
    let read = 0;
    const { microseconds } = await statsOf(async () => {
      for await (const batch of readByScore(redis, BY_LAST_SEEN, 500)) read += batch.length;
    });
    expect(read).toBe(await redis.zcard(BY_LAST_SEEN));
    expect(microseconds).toBeLessThan(read * AT_MOST_MICROSECONDS_A_MEMBER);
  });

  it('nothing ever walks through all keys: not listing, not the sweep, which leaves nothing', {
    timeout: 60_000,
  }, async () => {
    const { registry } = rig.storage;
    const { commands } = await statsOf(async () => {
      let listed = 0;
      for await (const batch of registry.listAll()) {
        listed += batch.length;
        if (listed > 1000) break;
      }
      await registry.countBefore(NOW);
      await registry.findIdle(100);
      let ended = 0;
      for await (const batch of registry.endAllBefore(NOW, 'cutoff'))
        for (const count of batch.values()) ended += count;
      expect(ended).toBe((USERS - LOOKED_AT) * SESSIONS_EACH);
    });
    expect(commands).not.toContain('keys');
    expect(commands.filter((name) => name.includes('scan'))).toEqual([]);
    expect(await redis.keys('curfew:sess*')).toEqual([]);
  });
});
