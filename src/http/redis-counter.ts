import type { Cluster, Redis } from 'ioredis';
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import type { SharedTally } from './batched-limiter.ts';
import type { Counter, Draw, RateLimit } from './compound-limiter.ts';

/** rate-limiter-flexible's own, but for the line that deletes: a key from which all was given back need not be kept. */
const COUNT = `
redis.call('set', KEYS[1], 0, 'EX', ARGV[2], 'NX')
local consumed = redis.call('incrby', KEYS[1], ARGV[1])
local ttl = redis.call('pttl', KEYS[1])
if ttl == -1 then
  redis.call('expire', KEYS[1], ARGV[2])
  ttl = 1000 * ARGV[2]
end
if consumed <= 0 then redis.call('del', KEYS[1]) end
return {consumed, ttl}`;

/** Counts in Redis, for all nodes together, under keys that begin with `keyPrefix` and run out with their window. */
export function createRedisCounter(redis: Redis | Cluster, keyPrefix: string, limit: RateLimit): Counter {
  const { points, durationSeconds } = limit;
  const limiter = new RateLimiterRedis({
    storeClient: redis,
    keyPrefix,
    points,
    duration: durationSeconds,
    rejectIfRedisNotReady: true,
    customIncrTtlLuaScript: COUNT,
  });

  return {
    async draw(key) {
      const consumption = await consume(limiter, key);
      const windowEnd = performance.now() + consumption.msBeforeNext;
      return {
        ...consumption,
        limit,
        async putBack() {
          // The next window has not got this point: giving it back there would allow one attempt too many.
          if (performance.now() < windowEnd) await limiter.reward(key);
        },
      };
    },
  };
}

async function consume(
  limiter: RateLimiterRedis,
  key: string,
): Promise<Pick<Draw, 'refused' | 'remaining' | 'msBeforeNext'>> {
  try {
    const { remainingPoints, msBeforeNext } = await limiter.consume(key);
    return { refused: false, remaining: remainingPoints, msBeforeNext };
  } catch (error) {
    if (error instanceof RateLimiterRes)
      return { refused: true, remaining: 0, msBeforeNext: error.msBeforeNext };
    throw error;
  }
}

/**
 * Counts in Redis, under keys that begin with `keyPrefix` and run out with their window. Three commands of one tick, which
 * ioredis sends together; no script, because a Cluster could not tell from its text where it belongs.
 */
export function createRedisTally(redis: Redis | Cluster, keyPrefix: string): SharedTally {
  return {
    async add(name, points, windowLeftMs) {
      const key = `${keyPrefix}:${name}`;
      const [, total, leftMs] = await Promise.all([
        redis.set(key, 0, 'PX', windowLeftMs, 'NX'),
        redis.incrby(key, points),
        redis.pttl(key),
      ]);
      if (leftMs > 0) return { total, leftMs };
      // It ran out between the first command and the second, which then made one without an end.
      await redis.pexpire(key, windowLeftMs);
      return { total, leftMs: windowLeftMs };
    },
  };
}
