import type { RedisClient } from './redis.ts';

/** Leases with one holder at a time, of all nodes. */
export interface Leases {
  /** Takes or renews the lease of a name for `ms`, counted from now at the earliest; false where another one has it. */
  hold(name: string, holder: string, ms: number): Promise<boolean>;
  /** Harmless where another one has it. */
  release(name: string, holder: string): Promise<void>;
}

const HOLD = `
local holder = redis.call('get', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('set', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`;

const RELEASE = `
if redis.call('get', KEYS[1]) == ARGV[1] then redis.call('del', KEYS[1]) end
return 0`;

export function createRedisLeases(redis: RedisClient): Leases {
  const keyOf = (name: string): string => `curfew:lease:${name}`;
  return {
    hold: async (name, holder, ms) => (await redis.eval(HOLD, 1, keyOf(name), holder, ms)) === 1,
    async release(name, holder) {
      await redis.eval(RELEASE, 1, keyOf(name), holder);
    },
  };
}
