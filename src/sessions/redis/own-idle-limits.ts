import type { Clock } from '../../core/clock.ts';
import type { RedisClient } from '../../storage/redis.ts';
import type { SessionLifetime } from '../session-lifetime.ts';
import { BY_LAST_SEEN, BY_OWN_DEADLINE, OWN_IDLE, sessionKey } from './redis-keys.ts';

export interface OwnIdleLimitsDeps {
  readonly redis: RedisClient;
  readonly clock: Clock;
  readonly lifetime: SessionLifetime;
}

/** The idle limits that sessions have of their own: in ms, undefined where they have none. */
export interface OwnIdleLimits {
  of(sid: string): Promise<number | undefined>;
  /** In the order of the ids, of which there must be some. */
  ofMany(sids: readonly string[]): Promise<readonly (number | undefined)[]>;
  set(sids: readonly string[], ownIdleMs: number | undefined): Promise<void>;
  /**
   * Lets the key of a session that was last used at `lastSeen` run out at its own limit, after its user has given it
   * the time of the policy's.
   */
  shorten(sid: string, lastSeen: number): Promise<void>;
  /** Those that are over by their own limits. */
  findIdle(limit: number): Promise<readonly string[]>;
  forget(sids: readonly string[]): Promise<void>;
}

const BATCH = 500;

/**
 * The hash of limits is the truth, together with the last use in the index. A change of a limit writes the hash
 * first and the key's lifetime afterwards; giving a key the policy's time reads the hash afterwards: so one of the
 * two shortens it, whichever comes last. A use need not move the deadlines: one that is too early is looked at and put right.
 */
export function createOwnIdleLimits(deps: OwnIdleLimitsDeps): OwnIdleLimits {
  const { redis, lifetime } = deps;
  const deadlines = createDeadlines(deps, { of, ofMany, forget });

  async function of(sid: string): Promise<number | undefined> {
    return toMs(await redis.hget(OWN_IDLE, sid));
  }

  async function ofMany(sids: readonly string[]): Promise<readonly (number | undefined)[]> {
    return (await redis.hmget(OWN_IDLE, ...sids)).map(toMs);
  }

  function expire(sid: string, lastSeen: number, ownIdleMs: number | undefined): Promise<number> {
    const remainingMs = Math.floor(lifetime.remainingMs(lastSeen, ownIdleMs));
    return redis.pexpire(sessionKey(sid), Math.max(1, remainingMs));
  }

  /** Again for those that were used meanwhile: theirs would end too early. */
  async function expireAll(sids: readonly string[], ownIdleMs: number | undefined): Promise<void> {
    const before = await lastSeenOf(redis, sids);
    await Promise.all(
      sids.map((sid, index) => {
        const lastSeen = before[index];
        return lastSeen === undefined ? undefined : expire(sid, lastSeen, ownIdleMs);
      }),
    );
    const after = await lastSeenOf(redis, sids);
    const used = sids.filter((_sid, index) => after[index] !== before[index]);
    if (used.length > 0) await expireAll(used, ownIdleMs);
  }

  async function forget(sids: readonly string[]): Promise<void> {
    await Promise.all([redis.hdel(OWN_IDLE, ...sids), redis.zrem(BY_OWN_DEADLINE, ...sids)]);
  }

  return {
    of,
    ofMany,

    async set(sids, ownIdleMs) {
      if (sids.length === 0) return;
      if (ownIdleMs === undefined) {
        await redis.hdel(OWN_IDLE, ...sids);
        await redis.zrem(BY_OWN_DEADLINE, ...sids);
      } else {
        await redis.hset(OWN_IDLE, ...sids.flatMap((sid) => [sid, String(ownIdleMs)]));
        await deadlines.write(sids, ownIdleMs);
      }
      await expireAll(sids, ownIdleMs);
    },

    async shorten(sid, lastSeen) {
      let given: number | undefined;
      for (let ownIdleMs = await of(sid); ownIdleMs !== given; ownIdleMs = await of(sid)) {
        await expire(sid, lastSeen, ownIdleMs);
        given = ownIdleMs;
      }
    },

    findIdle: deadlines.findIdle,

    forget,
  };
}

/** When to look at the sessions with a limit of their own. */
function createDeadlines(
  { redis, clock, lifetime }: OwnIdleLimitsDeps,
  { of, ofMany, forget }: Pick<OwnIdleLimits, 'of' | 'ofMany' | 'forget'>,
) {
  /** Whether the session is over by its own limit; if not, when to look again is written down. */
  async function judge(
    sid: string,
    ownIdleMs: number | undefined,
    lastSeen: number | undefined,
  ): Promise<boolean> {
    if (lastSeen === undefined) {
      await forget([sid]);
      return false;
    }
    if (ownIdleMs !== undefined && lastSeen <= lifetime.idleSince(ownIdleMs)) return true;
    if (ownIdleMs === undefined) await redis.zrem(BY_OWN_DEADLINE, sid);
    else await redis.zadd(BY_OWN_DEADLINE, 'XX', lastSeen + ownIdleMs, sid);
    const limitNow = await of(sid);
    if (limitNow === ownIdleMs) return false;
    // Changed meanwhile, and what was just written may have undone what the change wrote.
    if (limitNow !== undefined) await redis.zadd(BY_OWN_DEADLINE, lastSeen + limitNow, sid);
    return judge(sid, limitNow, lastSeen);
  }

  return {
    async write(sids: readonly string[], ownIdleMs: number): Promise<void> {
      const lastSeen = await lastSeenOf(redis, sids);
      await Promise.all(
        sids.map((sid, index) =>
          redis.zadd(BY_OWN_DEADLINE, (lastSeen[index] ?? clock.now()) + ownIdleMs, sid),
        ),
      );
    },

    async findIdle(limit: number): Promise<readonly string[]> {
      const idle: string[] = [];
      for (let offset = 0; idle.length < limit; ) {
        const due = await redis.zrangebyscore(BY_OWN_DEADLINE, '-inf', clock.now(), 'LIMIT', offset, BATCH);
        if (due.length === 0) break;
        const [limits, lastSeen] = await Promise.all([ofMany(due), lastSeenOf(redis, due)]);
        const verdicts = await Promise.all(
          due.map((sid, index) => judge(sid, limits[index], lastSeen[index])),
        );
        const over = due.filter((_sid, index) => verdicts[index]);
        idle.push(...over);
        // The others have left the range.
        offset += over.length;
      }
      return idle.slice(0, limit);
    },
  };
}

async function lastSeenOf(
  redis: RedisClient,
  sids: readonly string[],
): Promise<readonly (number | undefined)[]> {
  return (await redis.zmscore(BY_LAST_SEEN, ...sids)).map(toMs);
}

function toMs(text: string | null): number | undefined {
  return text === null ? undefined : Number(text);
}
