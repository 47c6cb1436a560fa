import { afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import {
  type BatchedLimiter,
  COMPARE_EVERY_MS,
  createBatchedLimiter,
  type SharedTally,
} from '../../src/http/batched-limiter.ts';
import type { RateLimit } from '../../src/http/compound-limiter.ts';
import { createRedisTally } from '../../src/http/redis-counter.ts';
import { connectRedis, createRedis } from '../../src/storage/redis.ts';
import { parseRedisLocation } from '../../src/storage/redis-location.ts';
import { createRedisDatabase } from '../support/redis-server.ts';

const PER_MINUTE: RateLimit = { points: 5, durationSeconds: 60 };
const PER_HOUR: RateLimit = { points: 8, durationSeconds: 3600 };

function takeMany(limiter: BatchedLimiter, key: string, times: number): number {
  return Array.from({ length: times }, () => limiter.take(key)).filter(({ limited }) => !limited).length;
}

describe('a limiter that counts by itself', () => {
  let now: number;
  beforeEach(() => {
    now = 1_000_000;
    vi.spyOn(performance, 'now').mockImplementation(() => now);
  });

  const alone = (...limits: RateLimit[]) => createBatchedLimiter({ limits, tallyOf: undefined });

  test('lets so many through in a window, and again from the instant at which the next begins', () => {
    const limiter = alone(PER_MINUTE);
    expect(takeMany(limiter, 'asha', 7)).toBe(5);
    expect(limiter.take('ravi').limited).toBe(false);
    now += 59_999;
    expect(limiter.take('asha')).toMatchObject({ limited: true, retryAfterSeconds: 1 });
    now += 1;
    expect(takeMany(limiter, 'asha', 7)).toBe(5);
  });

  test('says how its key stands', () => {
    const limiter = alone(PER_MINUTE);
    expect(limiter.take('asha')).toEqual({
      limited: false,
      standings: [{ limit: PER_MINUTE, remaining: 4, resetSeconds: 60 }],
      retryAfterSeconds: 0,
    });
    now += 30_500;
    takeMany(limiter, 'asha', 4);
    expect(limiter.take('asha')).toEqual({
      limited: true,
      standings: [{ limit: PER_MINUTE, remaining: 0, resetSeconds: 30 }],
      retryAfterSeconds: 30,
    });
  });

  test('holds several limits at once, and what one refuses uses up nothing of the other', () => {
    const limiter = alone(PER_MINUTE, PER_HOUR);
    expect(takeMany(limiter, 'asha', 100)).toBe(5);
    now += 60_000;
    expect(takeMany(limiter, 'asha', 100)).toBe(3);
    expect(limiter.take('asha')).toMatchObject({ limited: true, retryAfterSeconds: 3540 });
  });

  test('can be asked without being told anything, and remembers nobody for it', () => {
    const limiter = alone(PER_MINUTE);
    for (let each = 0; each < 100; each += 1) expect(limiter.findLimited('asha')).toBeUndefined();
    expect(takeMany(limiter, 'asha', 6)).toBe(5);
    expect(limiter.findLimited('asha')).toMatchObject({ limited: true, retryAfterSeconds: 60 });
    now += 60_000;
    expect(limiter.findLimited('asha')).toBeUndefined();
  });
});

describe('limiters that compare notes', () => {
  /** What two nodes would share, in memory. */
  function sharedTally() {
    const totals = new Map<string, number>();
    const said: [string, number][] = [];
    const tally: SharedTally = {
      async add(key, points) {
        said.push([key, points]);
        totals.set(key, (totals.get(key) ?? 0) + points);
        return { total: totals.get(key) ?? 0, leftMs: 30_000 };
      },
    };
    return { tally, said };
  }
  const node = (tally: SharedTally, points: number) =>
    createBatchedLimiter({ limits: [{ points, durationSeconds: 60 }], tallyOf: () => tally });

  test('count together once they have', async () => {
    const { tally } = sharedTally();
    const [one, other] = [node(tally, 100), node(tally, 100)];
    expect(takeMany(one, 'asha', 9)).toBe(9);
    expect(takeMany(other, 'asha', 8)).toBe(8);
    await one.compare();
    await other.compare();
    expect(other.take('asha').standings[0]).toMatchObject({ remaining: 100 - 9 - 8 - 1, resetSeconds: 30 });
  });

  test('tell what they have counted once, and in one sum', async () => {
    const { tally, said } = sharedTally();
    const one = node(tally, 1000);
    takeMany(one, 'asha', 40);
    takeMany(one, 'ravi', 2);
    await one.compare();
    await one.compare();
    expect(said).toEqual([
      ['asha', 40],
      ['ravi', 2],
    ]);
  });

  test('do not wait for the next round with a tenth of the limit', async () => {
    const { tally, said } = sharedTally();
    const one = node(tally, 100);
    takeMany(one, 'asha', 9);
    expect(said).toEqual([]);
    takeMany(one, 'asha', 1);
    expect(said).toEqual([['asha', 10]]);
  });

  test('let through a tenth of the limit too much for each node at the most, asked all at once', async () => {
    const { tally } = sharedTally();
    const nodes = Array.from({ length: 3 }, () => node(tally, 100));
    let through = 0;
    for (let each = 0; each < 400; each += 1) {
      through += takeMany(nodes[each % 3] as BatchedLimiter, 'asha', 1);
      // A round trip that is over before the next request.
      await Promise.resolve().then(() => new Promise(setImmediate));
    }
    expect(through).toBeGreaterThanOrEqual(100);
    expect(through).toBeLessThanOrEqual(100 + 3 * 10);
  });

  test('tell what is left of a window, and nothing of one that has ended', async () => {
    let now = 1_000_000;
    vi.spyOn(performance, 'now').mockImplementation(() => now);
    const told: (readonly [number, number])[] = [];
    const tally: SharedTally = {
      async add(_key, points, leftMs) {
        told.push([points, leftMs]);
        return { total: points, leftMs };
      },
    };
    const one = createBatchedLimiter({ limits: [{ points: 100, durationSeconds: 1 }], tallyOf: () => tally });
    takeMany(one, 'asha', 9);
    now += 400;
    await one.compare();
    expect(told).toEqual([[9, 600]]);
    takeMany(one, 'asha', 9);
    now += 600;
    await one.compare();
    expect(told).toHaveLength(1);
    // Nothing of it counts in the next window.
    expect(takeMany(one, 'asha', 200)).toBe(100);
  });

  test('go on by themselves while the others cannot be asked, and each keeps the limit', async () => {
    const add = vi.fn<SharedTally['add']>().mockRejectedValue(new Error('away'));
    const one = node({ add }, 20);
    expect(takeMany(one, 'asha', 15)).toBe(15);
    await one.compare();
    expect(takeMany(one, 'asha', 15)).toBe(5);
    await one.compare();
    // Nothing is told twice: it may have arrived.
    const told = add.mock.calls.reduce((sum, [, points]) => sum + points, 0);
    expect(told).toBe(20);
  });

  test('compare by themselves within a second, and not any more once they are stopped', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const { tally, said } = sharedTally();
      const one = node(tally, 100);
      one.take('asha');
      await vi.advanceTimersByTimeAsync(COMPARE_EVERY_MS - 1);
      expect(said).toEqual([]);
      await vi.advanceTimersByTimeAsync(1);
      expect(said).toEqual([['asha', 1]]);
      one.take('asha');
      one.stop();
      await vi.advanceTimersByTimeAsync(10 * COMPARE_EVERY_MS);
      expect(said).toHaveLength(1);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('the tally in Redis', () => {
  const clients: { disconnect(): void }[] = [];
  afterEach(() => {
    for (const client of clients.splice(0)) client.disconnect();
  });

  async function connect(url: string) {
    const location = parseRedisLocation(url);
    if (location === undefined) throw new Error('No Redis');
    const redis = createRedis({ location, onError: () => undefined });
    await connectRedis(redis);
    clients.push(redis);
    return redis;
  }

  test('is one for all nodes, and ends with the window that began first', async () => {
    const url = await createRedisDatabase({ url: inject('redisUrl') });
    const [one, other] = await Promise.all([connect(url), connect(url)]);
    const tallies = [one, other].map((redis) => createRedisTally(redis, 'curfew:rl:pages:5/60s'));
    expect(await tallies[0]?.add('asha', 3, 60_000)).toMatchObject({ total: 3 });
    await new Promise((resolve) => setTimeout(resolve, 20));
    const second = await tallies[1]?.add('asha', 4, 60_000);
    expect(second?.total).toBe(7);
    expect(second?.leftMs).toBeLessThanOrEqual(59_990);
    expect(await tallies[1]?.add('ravi', 1, 60_000)).toMatchObject({ total: 1 });
    expect((await one.keys('*')).sort()).toEqual([
      'curfew:rl:pages:5/60s:asha',
      'curfew:rl:pages:5/60s:ravi',
    ]);
  });

  test('leaves no key without an end', async () => {
    const redis = await connect(await createRedisDatabase({ url: inject('redisUrl') }));
    await redis.set('curfew:rl:pages:5/60s:asha', 4);
    expect(await createRedisTally(redis, 'curfew:rl:pages:5/60s').add('asha', 1, 60_000)).toEqual({
      total: 5,
      leftMs: 60_000,
    });
    expect(await redis.pttl('curfew:rl:pages:5/60s:asha')).toBeGreaterThan(59_000);
  });

  test('rejects while Redis is away', async () => {
    const redis = await connect(await createRedisDatabase({ url: inject('redisUrl') }));
    redis.disconnect();
    await expect(createRedisTally(redis, 'curfew:rl:x').add('asha', 1, 60_000)).rejects.toThrow();
  });
});
