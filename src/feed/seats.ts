import { randomUUID } from 'node:crypto';
import { batchesOf } from '../core/batches.ts';
import type { Clock } from '../core/clock.ts';
import { MINUTE_MS, SECOND_MS } from '../core/duration.ts';
import { unavailable } from '../errors.ts';
import type { RedisClient } from '../storage/redis.ts';
import type { SocketOwner } from './socket-registry.ts';

/** The place of one socket. */
export interface Seat {
  readonly owner: Pick<SocketOwner, 'userId'>;
}

/** How many sockets a user has, on all nodes together. */
export interface Seats {
  /** False where the user has as many as one may. Throws `unavailable` when Redis does not answer. */
  take(seat: Seat): Promise<boolean>;
  /** Never rejects: a seat that cannot be given back runs out by itself. */
  giveBack(seat: Seat): Promise<void>;
  /** Keeps those of this node for another minute. */
  renew(): Promise<void>;
}

export interface SeatsDeps {
  /** SOCKETS_PER_USER. */
  readonly mostPerUser: number;
  /** Shared by all nodes; without it there is one process, which counts by itself. */
  readonly redis: RedisClient | undefined;
  readonly clock: Clock;
}

/** A node that dies leaves its seats taken so long. */
const LEASE_MS = MINUTE_MS;
export const RENEW_SEATS_EVERY_MS = 20 * SECOND_MS;
const RENEWED_TOGETHER = 500;

export function createSeats({ mostPerUser, redis, clock }: SeatsDeps): Seats {
  return redis === undefined ? createMemorySeats(mostPerUser) : createRedisSeats(redis, mostPerUser, clock);
}

function createMemorySeats(mostPerUser: number): Seats {
  const taken = new Map<string, Set<Seat>>();
  return {
    async take(seat) {
      const { userId } = seat.owner;
      const seats = taken.get(userId) ?? new Set();
      if (seats.size >= mostPerUser) return false;
      taken.set(userId, seats.add(seat));
      return true;
    },
    async giveBack(seat) {
      const { userId } = seat.owner;
      const seats = taken.get(userId);
      seats?.delete(seat);
      if (seats?.size === 0) taken.delete(userId);
    },
    renew: async () => undefined,
  };
}

/** A sorted set for each user: names of seats by when they run out. */
function createRedisSeats(redis: RedisClient, mostPerUser: number, clock: Clock): Seats {
  const names = new Map<Seat, string>();
  const keyOf = ({ owner }: Seat): string => `curfew:sockets:${owner.userId}`;

  /** How many the user has with this one. */
  async function enter(seat: Seat, name: string): Promise<number> {
    const key = keyOf(seat);
    const now = clock.now();
    const answers = await redis
      .multi()
      .zremrangebyscore(key, '-inf', now)
      .zadd(key, now + LEASE_MS, name)
      .zcard(key)
      .pexpire(key, LEASE_MS)
      .exec();
    const [error, size] = answers?.[2] ?? [new Error('Redis did not carry the transaction out')];
    if (error) throw error;
    return Number(size);
  }

  const seats: Seats = {
    async take(seat) {
      const name = randomUUID();
      names.set(seat, name);
      try {
        if ((await enter(seat, name)) <= mostPerUser) return true;
      } catch (error) {
        void seats.giveBack(seat);
        throw unavailable('The feed', error);
      }
      await seats.giveBack(seat);
      return false;
    },
    async giveBack(seat) {
      const name = names.get(seat);
      names.delete(seat);
      if (name !== undefined) await redis.zrem(keyOf(seat), name).catch(() => undefined);
    },
    async renew() {
      for (const batch of batchesOf([...names], RENEWED_TOGETHER)) {
        const until = clock.now() + LEASE_MS;
        await Promise.all(
          batch.flatMap(([seat, name]) => [
            redis.zadd(keyOf(seat), until, name),
            redis.pexpire(keyOf(seat), LEASE_MS),
          ]),
        );
      }
    },
  };
  return seats;
}
