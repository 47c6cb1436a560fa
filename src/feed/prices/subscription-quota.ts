import { randomUUID } from 'node:crypto';
import { batchesOf } from '../../core/batches.ts';
import type { Clock } from '../../core/clock.ts';
import { MINUTE_MS } from '../../core/duration.ts';
import { unavailable } from '../../errors.ts';
import type { RedisClient } from '../../storage/redis.ts';
import type { SocketOwner } from '../socket-registry.ts';

/** A socket that has subscriptions. */
export interface Subscriber {
  readonly owner: Pick<SocketOwner, 'userId'>;
}

/** To how many symbols a user is subscribed, over all sockets on all nodes together. */
export interface SubscriptionQuota {
  /** Sets what one socket has; false, and nothing changed, where that is too much. Throws `unavailable` when Redis does not answer. */
  set(subscriber: Subscriber, count: number): Promise<boolean>;
  /** Never rejects: what cannot be given back runs out by itself. */
  release(subscriber: Subscriber): Promise<void>;
  /** Keeps those of this node for another minute. */
  renew(): Promise<void>;
}

export interface SubscriptionQuotaDeps {
  /** SOCKET_SUBSCRIPTIONS. */
  readonly mostSubscriptions: number;
  /** Shared by all nodes; without it there is one process, which counts by itself. */
  readonly redis: RedisClient | undefined;
  readonly clock: Clock;
}

/** A node that dies leaves its subscriptions counted so long. */
const LEASE_MS = MINUTE_MS;
const RENEWED_TOGETHER = 500;

export function createSubscriptionQuota(deps: SubscriptionQuotaDeps): SubscriptionQuota {
  const { mostSubscriptions, redis, clock } = deps;
  return redis === undefined
    ? createMemoryQuota(mostSubscriptions)
    : createRedisQuota(redis, mostSubscriptions, clock);
}

function createMemoryQuota(most: number): SubscriptionQuota {
  const byUser = new Map<string, Map<Subscriber, number>>();
  return {
    async set(subscriber, count) {
      const { userId } = subscriber.owner;
      const counts = byUser.get(userId) ?? new Map<Subscriber, number>();
      const others = [...counts].reduce((sum, [each, had]) => (each === subscriber ? sum : sum + had), 0);
      if (others + count > most && count > (counts.get(subscriber) ?? 0)) return false;
      byUser.set(userId, counts.set(subscriber, count));
      return true;
    },
    async release(subscriber) {
      const { userId } = subscriber.owner;
      const counts = byUser.get(userId);
      counts?.delete(subscriber);
      if (counts?.size === 0) byUser.delete(userId);
    },
    renew: async () => undefined,
  };
}

interface Holding {
  readonly name: string;
  count: number;
}

/** A hash for each user: of each socket, how many it has and until when that counts. */
function createRedisQuota(redis: RedisClient, most: number, clock: Clock): SubscriptionQuota {
  const holdings = new Map<Subscriber, Holding>();
  const keyOf = ({ owner }: Subscriber): string => `curfew:subscriptions:${owner.userId}`;
  const fieldOf = (count: number): string => `${count} ${clock.now() + LEASE_MS}`;

  /** How many the user has with these. */
  async function write(key: string, { name }: Holding, count: number): Promise<number> {
    const answers = await redis
      .multi()
      .hset(key, name, fieldOf(count))
      .pexpire(key, LEASE_MS)
      .hgetall(key)
      .exec();
    const [error, fields] = answers?.[2] ?? [new Error('Redis did not carry the transaction out')];
    if (error) throw error;
    const entries = Object.entries(fields as Record<string, string>).map(([field, value]) => {
      const [had = 0, until = 0] = value.split(' ').map(Number);
      return { field, had, isOver: until <= clock.now() };
    });
    const over = entries.filter(({ isOver }) => isOver).map(({ field }) => field);
    if (over.length > 0) await redis.hdel(key, ...over);
    return entries.reduce((sum, { had, isOver }) => (isOver ? sum : sum + had), 0);
  }

  return {
    async set(subscriber, count) {
      const holding = holdings.get(subscriber) ?? { name: randomUUID(), count: 0 };
      holdings.set(subscriber, holding);
      const key = keyOf(subscriber);
      try {
        const all = await write(key, holding, count);
        if (all > most && count > holding.count) {
          await redis.hset(key, holding.name, fieldOf(holding.count));
          return false;
        }
      } catch (error) {
        throw unavailable('The feed', error);
      }
      holding.count = count;
      return true;
    },
    async release(subscriber) {
      const holding = holdings.get(subscriber);
      holdings.delete(subscriber);
      if (holding !== undefined) await redis.hdel(keyOf(subscriber), holding.name).catch(() => undefined);
    },
    async renew() {
      for (const batch of batchesOf([...holdings], RENEWED_TOGETHER))
        await Promise.all(
          batch.flatMap(([subscriber, { name, count }]) =>
            // It may have been released during an earlier batch.
            holdings.has(subscriber)
              ? [
                  redis.hset(keyOf(subscriber), name, fieldOf(count)),
                  redis.pexpire(keyOf(subscriber), LEASE_MS),
                ]
              : [],
          ),
        );
    },
  };
}
