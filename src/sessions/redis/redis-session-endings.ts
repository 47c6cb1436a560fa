import { batchesOf } from '../../core/batches.ts';
import type { CutoffCalendar } from '../../core/cutoff.ts';
import type { RevocationReason } from '../../core/revocation.ts';
import { type RedisClient, viaRedis } from '../../storage/redis.ts';
import { countBy } from '../count-by.ts';
import { readSessionId, tellsOfCutoff } from '../session-id.ts';
import type { SessionLifetime } from '../session-lifetime.ts';
import { ENDINGS_KEPT_MS, type SessionRegistry } from '../session-storage.ts';
import type { OwnIdleLimits } from './own-idle-limits.ts';
import { BY_LAST_SEEN, BY_LOGIN, endingKey, sessionKey, userKey } from './redis-keys.ts';

export interface RedisSessionEndingsDeps {
  readonly redis: RedisClient;
  readonly calendar: CutoffCalendar;
  readonly lifetime: SessionLifetime;
  readonly ownIdle: OwnIdleLimits;
}

const BATCH = 500;

/** Ends sessions, and remembers for a day why. */
export function createRedisSessionEndings({
  redis,
  calendar,
  lifetime,
  ownIdle,
}: RedisSessionEndingsDeps): Pick<
  SessionRegistry,
  'end' | 'endThroughEpoch' | 'endStale' | 'endAllBefore' | 'endingOf' | 'tidy'
> {
  async function end(sids: readonly string[], reason: RevocationReason): Promise<number> {
    const removed = await endBodies(sids, reason);
    await forgetOfUsers([...addByUser(new Map(), sids)]);
    return removed;
  }

  /** Bodies first: an index entry without a body is harmless, a body without an index entry could not be ended. */
  async function endBodies(sids: readonly string[], reason: RevocationReason): Promise<number> {
    if (sids.length === 0) return 0;
    const removed = await unlinkBodies(redis, sids.map(sessionKey));
    const remembered = sids.filter((sid) => !tellsOfCutoff(sid, calendar.last()));
    const [indexed] = await Promise.all([
      redis.zrem(BY_LOGIN, ...sids),
      redis.zrem(BY_LAST_SEEN, ...sids),
      ...remembered.map((sid) => redis.set(endingKey(sid), reason, 'PX', ENDINGS_KEPT_MS, 'NX')),
      ownIdle.forget(sids),
    ]);
    // Redis lets the body of an idle session run out before its end is noticed.
    return Math.max(removed, indexed);
  }

  async function forgetOfUsers(users: readonly (readonly [string, readonly string[]])[]): Promise<void> {
    await Promise.all(users.map(([userId, sids]) => redis.zrem(userKey(userId), ...sids)));
  }

  return {
    end: (sids, reason) => viaRedis(() => end(sids, reason)),

    endThroughEpoch: (userId, epoch, reason) =>
      viaRedis(async () => end(await redis.zrangebyscore(userKey(userId), '-inf', epoch), reason)),

    endStale: (userId, before, reason) =>
      viaRedis(async () => {
        const sids = await redis.zrange(userKey(userId), 0, '-1');
        const stale = sids.filter((sid) => {
          const facts = readSessionId(sid);
          return facts.kind === 'signed_in' && facts.loginTime < before;
        });
        return end(stale, reason);
      }),

    async *endAllBefore(before, reason) {
      const perUser = new Map<string, string[]>();
      for (;;) {
        const sids = await viaRedis(() =>
          redis.zrangebyscore(BY_LOGIN, '-inf', `(${before}`, 'LIMIT', 0, BATCH),
        );
        if (sids.length === 0) break;
        await viaRedis(() => endBodies(sids, reason));
        addByUser(perUser, sids);
        yield countBy(sids.map(ownerOf));
      }
      // One command for each person instead of one for each session. A sweep that dies before leaves names of nothing.
      for (const batch of batchesOf([...perUser], BATCH)) await viaRedis(() => forgetOfUsers(batch));
    },

    endingOf: (sid) =>
      viaRedis(async () => {
        const [reason, lastSeen, ownIdleMs] = await Promise.all([
          redis.get(endingKey(sid)),
          redis.zscore(BY_LAST_SEEN, sid),
          ownIdle.of(sid),
        ]);
        if (reason !== null) return reason as RevocationReason;
        // Redis let the key run out, and it is not out of the index yet.
        return lastSeen !== null && Number(lastSeen) <= lifetime.idleSince(ownIdleMs) ? 'idle' : undefined;
      }),

    // Redis lets old endings run out by itself.
    tidy: () => Promise.resolve(),
  };
}

/** One command where the keys lie together; on a Cluster one for each. */
async function unlinkBodies(redis: RedisClient, keys: readonly string[]): Promise<number> {
  if (!redis.isCluster) return redis.unlink(...keys);
  const removed = await Promise.all(keys.map((key) => redis.unlink(key)));
  return removed.reduce((sum, each) => sum + each, 0);
}

function addByUser(groups: Map<string, string[]>, sids: readonly string[]): Map<string, string[]> {
  for (const sid of sids) {
    const own = groups.get(ownerOf(sid));
    if (own === undefined) groups.set(ownerOf(sid), [sid]);
    else own.push(sid);
  }
  return groups;
}

export function ownerOf(sid: string): string {
  const facts = readSessionId(sid);
  return facts.kind === 'signed_in' ? facts.userId : '';
}
