import { randomUUID } from 'node:crypto';
import { batchesOf } from '../core/batches.ts';
import type { Clock } from '../core/clock.ts';
import { MINUTE_MS, SECOND_MS } from '../core/duration.ts';
import { unavailable } from '../errors.ts';
import type { SocketOwner } from '../sessions/socket-registry.ts';
import type { RedisClient } from '../storage/redis.ts';

/** A socket, or a candidate for one: what it holds counts for its owner. */
export interface QuotaHolder {
  readonly owner: Pick<SocketOwner, 'userId'>;
}

/** How many of something a user has, over all sockets on all nodes together. */
export interface UserQuota {
  /** Sets what one holder has; false, and nothing changed, where that is too much. Throws `unavailable` when Redis does not answer. */
  set(holder: QuotaHolder, count: number): Promise<boolean>;
  /** Never rejects: what cannot be given back runs out by itself. */
  release(holder: QuotaHolder): Promise<void>;
  /** Keeps what this node's holders have for another minute. */
  renew(): Promise<void>;
}

export interface UserQuotaDeps {
  /** Name of the counter; part of the keys in Redis. */
  readonly name: 'open-sockets' | 'subscriptions' | `instruments:${string}`;
  /** For one user. */
  readonly most: number;
  /** Shared by all nodes; without it there is one process, which counts by itself. */
  readonly redis: RedisClient | undefined;
  readonly clock: Clock;
}

/** Counts of a node that died lapse after so long. */
const LEASE_MS = MINUTE_MS;
export const RENEW_QUOTAS_EVERY_MS = 20 * SECOND_MS;
const RENEWED_TOGETHER = 500;

export function createUserQuota({ name, most, redis, clock }: UserQuotaDeps): UserQuota {
  return redis === undefined ? createMemoryQuota(most) : createRedisQuota({ name, most, redis, clock });
}

function createMemoryQuota(most: number): UserQuota {
  const byUser = new Map<string, Map<QuotaHolder, number>>();
  return {
    async set(holder, count) {
      const { userId } = holder.owner;
      const counts = byUser.get(userId) ?? new Map<QuotaHolder, number>();
      const others = [...counts].reduce((sum, [each, had]) => (each === holder ? sum : sum + had), 0);
      if (others + count > most && count > (counts.get(holder) ?? 0)) return false;
      byUser.set(userId, counts.set(holder, count));
      return true;
    },
    async release(holder) {
      const { userId } = holder.owner;
      const counts = byUser.get(userId);
      counts?.delete(holder);
      if (counts?.size === 0) byUser.delete(userId);
    },
    renew: async () => undefined,
  };
}

interface Holding {
  readonly field: string;
  count: number;
}

/** A hash for each user: of each holder, how many it has and until when that counts. */
function createRedisQuota(deps: UserQuotaDeps & { readonly redis: RedisClient }): UserQuota {
  const { name, most, redis, clock } = deps;
  const holdings = new Map<QuotaHolder, Holding>();
  const keyOf = ({ owner }: QuotaHolder): string => `curfew:${name}:${owner.userId}`;
  const leased = (count: number): string => `${count} ${clock.now() + LEASE_MS}`;

  /** How many the user has with these. */
  async function write(key: string, field: string, count: number): Promise<number> {
    const answers = await redis
      .multi()
      .hset(key, field, leased(count))
      .pexpire(key, LEASE_MS)
      .hgetall(key)
      .exec();
    const [error, values] = answers?.[2] ?? [new Error('Redis did not carry the transaction out')];
    if (error) throw error;
    const entries = Object.entries(values as Record<string, string>).map(([each, value]) => {
      const [had = 0, until = 0] = value.split(' ').map(Number);
      return { field: each, had, isOver: until <= clock.now() };
    });
    const over = entries.filter(({ isOver }) => isOver).map((entry) => entry.field);
    if (over.length > 0) await redis.hdel(key, ...over);
    return entries.reduce((sum, { had, isOver }) => (isOver ? sum : sum + had), 0);
  }

  return {
    async set(holder, count) {
      const holding = holdings.get(holder) ?? { field: randomUUID(), count: 0 };
      holdings.set(holder, holding);
      const key = keyOf(holder);
      try {
        const all = await write(key, holding.field, count);
        if (all > most && count > holding.count) {
          await redis.hset(key, holding.field, leased(holding.count));
          return false;
        }
      } catch (error) {
        throw unavailable('The feed', error);
      }
      holding.count = count;
      return true;
    },
    async release(holder) {
      const holding = holdings.get(holder);
      holdings.delete(holder);
      if (holding !== undefined) await redis.hdel(keyOf(holder), holding.field).catch(() => undefined);
    },
    async renew() {
      for (const batch of batchesOf([...holdings], RENEWED_TOGETHER))
        await Promise.all(
          batch.flatMap(([holder, { field, count }]) =>
            // It may have been released during an earlier batch.
            holdings.has(holder)
              ? [redis.hset(keyOf(holder), field, leased(count)), redis.pexpire(keyOf(holder), LEASE_MS)]
              : [],
          ),
        );
    },
  };
}
