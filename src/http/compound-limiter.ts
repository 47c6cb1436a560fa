import type { Cluster, Redis } from 'ioredis';
import { unavailable } from '../errors.ts';
import { createMemoryCounter } from './memory-counter.ts';
import { createRedisCounter } from './redis-counter.ts';
import { waitInSeconds } from './wait-in-seconds.ts';

/** So many points in a window that begins with the first one taken. */
export interface RateLimit {
  readonly points: number;
  readonly durationSeconds: number;
}

/** How much of one limit is left, the point just taken counted in. */
export interface LimitStanding {
  readonly limit: RateLimit;
  readonly remaining: number;
  /** Until the window ends and everything is there again. */
  readonly resetSeconds: number;
}

export type Taking =
  | {
      readonly kind: 'taken';
      /** In the order of the limits. */
      readonly standings: readonly LimitStanding[];
      /** For what turned out not to count. Never rejects: a point that cannot be given back runs out with its window. */
      giveBack(): Promise<void>;
    }
  | {
      readonly kind: 'limited';
      readonly standings: readonly LimitStanding[];
      readonly retryAfterSeconds: number;
    };

/** Several limits over one key, such as five a minute and 25 an hour. */
export interface CompoundLimiter {
  /** Takes one point from every limit, or none. Throws `unavailable` when Redis does not answer. */
  take(key: string): Promise<Taking>;
}

/** One of the limits. What was given back leaves nothing behind: a flood that is not let through fills no memory. */
export interface Counter {
  /** Takes a point, also where there is none left. */
  draw(key: string): Promise<Draw>;
}

export interface Draw {
  readonly limit: RateLimit;
  /** The point was one too many: put it back. */
  readonly refused: boolean;
  /** Points that are left after this one. */
  readonly remaining: number;
  readonly msBeforeNext: number;
  putBack(): Promise<void>;
}

export interface CompoundLimiterDeps {
  /** Part of the keys, e.g. `login:address`. */
  readonly name: string;
  /** The act that is unavailable when Redis does not answer, in words: `Sign-in`. */
  readonly what: string;
  readonly limits: readonly RateLimit[];
  /** Shared by all nodes; without it each process counts by itself. */
  readonly redis?: Redis | Cluster | undefined;
}

/** Counts in fixed windows, in Redis under `curfew:rl:<name>:…` or in memory. */
export function createCompoundLimiter({ name, what, limits, redis }: CompoundLimiterDeps): CompoundLimiter {
  const counters = limits.map((limit) => createCounter(name, limit, redis));

  return {
    async take(key) {
      const attempts = await Promise.allSettled(counters.map((counter) => counter.draw(key)));
      const draws = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []));
      const giveBack = async () => {
        await Promise.allSettled(draws.map((drawn) => drawn.putBack()));
      };

      const failure = attempts.find((attempt) => attempt.status === 'rejected');
      if (failure !== undefined) {
        await giveBack();
        throw unavailable(what, failure.reason);
      }
      const refusals = draws.filter((drawn) => drawn.refused);
      const standings = draws.map((drawn) => standingAfter(drawn, refusals.length > 0));
      if (refusals.length === 0) return { kind: 'taken', standings, giveBack };
      // An attempt that was not let through does not count, or hammering would use up the longer limits too.
      await giveBack();
      const waitMs = Math.max(...refusals.map((refusal) => refusal.msBeforeNext));
      return { kind: 'limited', standings, retryAfterSeconds: waitInSeconds(waitMs) };
    },
  };
}

function createCounter(name: string, limit: RateLimit, redis?: Redis | Cluster): Counter {
  const keyPrefix = `curfew:rl:${name}:${limit.points}/${limit.durationSeconds}s`;
  return redis === undefined ? createMemoryCounter(limit) : createRedisCounter(redis, keyPrefix, limit);
}

function standingAfter(
  { limit, refused, remaining, msBeforeNext }: Draw,
  isGivenBack: boolean,
): LimitStanding {
  const resetSeconds = waitInSeconds(msBeforeNext);
  return { limit, remaining: remaining + (isGivenBack && !refused ? 1 : 0), resetSeconds };
}
