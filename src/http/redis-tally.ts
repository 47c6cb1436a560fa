import type { Cluster, Redis } from 'ioredis';
import type { SharedTally } from './batched-limiter.ts';

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
