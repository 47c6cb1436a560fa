import { batchesOf } from '../../core/batches.ts';
import type { Clock } from '../../core/clock.ts';
import type { CutoffCalendar } from '../../core/cutoff.ts';
import type { RevocationReason } from '../../core/revocation.ts';
import { type RedisClient, viaRedis } from '../../storage/redis.ts';
import type { Activity } from '../activity.ts';
import { countBy } from '../count-by.ts';
import { toDeviceSession } from '../device-session.ts';
import type { DeviceSession } from '../session-data.ts';
import { readSessionId, tellsOfCutoff } from '../session-id.ts';
import type { SessionLifetime } from '../session-lifetime.ts';
import { paginateSessions } from '../session-pagination.ts';
import { ENDINGS_KEPT_MS, type SessionRegistry } from '../session-storage.ts';
import { parseStoredSession } from '../stored-session.ts';
import type { OwnIdleLimits } from './own-idle-limits.ts';
import { readBody } from './read-body.ts';
import { readByScore, toPairs } from './read-by-score.ts';
import { BY_LAST_SEEN, BY_LOGIN, endingKey, sessionKey, userKey } from './redis-keys.ts';

export interface RedisSessionRegistryDeps {
  readonly redis: RedisClient;
  readonly clock: Clock;
  readonly calendar: CutoffCalendar;
  readonly lifetime: SessionLifetime;
  readonly activity: Activity;
  readonly ownIdle: OwnIdleLimits;
  readonly onUnreadable: (sid: string) => void;
}

const BATCH = 500;
/** Ids that are looked through for how many people they are of: a megabyte. */
const COUNTED_AT_MOST = 20_000;

/**
 * The index in Redis: three sorted sets of session ids. An id names its user, so the index still tells whose a session
 * was when its key has run out. Commands of one tick travel together; none touches two keys.
 */
export function createRedisSessionRegistry(deps: RedisSessionRegistryDeps): SessionRegistry {
  const { redis, clock, calendar, lifetime, activity, ownIdle, onUnreadable } = deps;

  async function end(sids: readonly string[], reason: RevocationReason): Promise<number> {
    const removed = await endBodies(sids, reason);
    await forgetOfUsers([...addByUser(new Map(), sids)]);
    return removed;
  }

  /** Bodies first: an index entry without a body is harmless, a body without an index entry could not be ended. */
  async function endBodies(sids: readonly string[], reason: RevocationReason): Promise<number> {
    if (sids.length === 0) return 0;
    const removed = await unlinkBodies(sids.map(sessionKey));
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

  /** One command where the keys lie together; on a Cluster one for each. */
  async function unlinkBodies(keys: readonly string[]): Promise<number> {
    if (!redis.isCluster) return redis.unlink(...keys);
    const removed = await Promise.all(keys.map((key) => redis.unlink(key)));
    return removed.reduce((sum, each) => sum + each, 0);
  }

  async function toDevices(sids: readonly string[]): Promise<readonly DeviceSession[]> {
    if (sids.length === 0) return [];
    const now = clock.now();
    const [bodies, scores, limits] = await Promise.all([
      Promise.all(sids.map((sid) => readBody(redis.get(sessionKey(sid))))),
      redis.zmscore(BY_LAST_SEEN, ...sids),
      ownIdle.ofMany(sids),
    ]);
    return sids
      .flatMap((sid, index) => {
        const body = bodies[index] ?? null;
        const lastSeen = Number(scores[index] ?? now);
        if (body === null || lastSeen <= lifetime.idleSince(limits[index])) return [];
        const session = parseStoredSession(body);
        if (session === undefined) onUnreadable(sid);
        return session === undefined ? [] : [toDeviceSession(sid, session, lastSeen)];
      })
      .filter((device) => !calendar.isPast(device.loginTime))
      .sort((a, b) => a.loginTime - b.loginTime);
  }

  return {
    register: ({ sid, userId, epoch, loginTime }) =>
      viaRedis(async () => {
        await Promise.all([
          redis.zadd(userKey(userId), epoch, sid),
          redis.zadd(BY_LOGIN, loginTime, sid),
          redis.zadd(BY_LAST_SEEN, clock.now(), sid),
        ]);
      }),

    listByUser: (userId) => viaRedis(async () => toDevices(await redis.zrange(userKey(userId), 0, '-1'))),

    async *listAll() {
      for await (const batch of readByScore(redis, BY_LOGIN, BATCH))
        yield await viaRedis(() => toDevices(batch.map(([sid]) => sid)));
    },

    countLive: () =>
      viaRedis(async () => {
        const from = `(${lifetime.idleSince()}`;
        const sessions = await redis.zcount(BY_LAST_SEEN, from, '+inf');
        if (sessions > COUNTED_AT_MOST) return { sessions, people: undefined };
        const sids = await redis.zrangebyscore(BY_LAST_SEEN, from, '+inf');
        // The watch has seen to those who have an idle limit of their own within a second.
        const live = sids.filter((sid) => !tellsOfCutoff(sid, calendar.last()));
        return { sessions: live.length, people: new Set(live.map(ownerOf)).size };
      }),

    listNewest: (from, limit) =>
      viaRedis(async () => {
        const highest = from?.loginTime ?? '+inf';
        const skip = from?.skip ?? 0;
        const entries = toPairs(
          await redis.zrevrangebyscore(BY_LOGIN, highest, '-inf', 'WITHSCORES', 'LIMIT', skip, limit),
        ).map(([sid, loginTime]) => ({ sid, loginTime }));
        const devices = await toDevices(entries.map(({ sid }) => sid));
        return paginateSessions(entries, new Map(devices.map((device) => [device.sid, device])), {
          from,
          limit,
        });
      }),

    countBefore: (before) => viaRedis(() => redis.zcount(BY_LOGIN, '-inf', `(${before}`)),

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

    findIdle: (limit) =>
      viaRedis(async () => {
        const [byPolicy, byOwnLimit] = await Promise.all([
          redis.zrangebyscore(BY_LAST_SEEN, '-inf', lifetime.idleSince(), 'LIMIT', 0, limit),
          ownIdle.findIdle(limit),
        ]);
        return [...new Set([...byPolicy, ...byOwnLimit])].slice(0, limit);
      }),

    isUsable: (sid) => viaRedis(async () => (await redis.exists(sessionKey(sid))) === 1),

    isIndexed: (sid) => viaRedis(async () => (await redis.zscore(BY_LAST_SEEN, sid)) !== null),

    lastSeen: (sid) =>
      viaRedis(async () => {
        const [exists, score] = await Promise.all([
          redis.exists(sessionKey(sid)),
          redis.zscore(BY_LAST_SEEN, sid),
        ]);
        return exists === 1 && score !== null ? Number(score) : undefined;
      }),

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

    setIdleLimit: (userId, ownIdleMs) =>
      viaRedis(async () => ownIdle.set(await redis.zrange(userKey(userId), 0, '-1'), ownIdleMs)),

    ownIdleLimit: (sid) => viaRedis(() => ownIdle.of(sid)),

    setRole: (userId, role) =>
      viaRedis(async () => {
        const sids = await redis.zrange(userKey(userId), 0, '-1');
        const bodies = await Promise.all(sids.map((sid) => readBody(redis.get(sessionKey(sid)))));
        await Promise.all(
          sids.map((sid, index) => {
            const body = bodies[index];
            const session = typeof body === 'string' ? parseStoredSession(body) : undefined;
            // XX: one that ended in between stays dead.
            return (
              session && redis.set(sessionKey(sid), JSON.stringify({ ...session, role }), 'KEEPTTL', 'XX')
            );
          }),
        );
      }),

    async applyPolicy() {
      for await (const batch of readByScore(redis, BY_LAST_SEEN, BATCH)) {
        const limits = await viaRedis(() => ownIdle.ofMany(batch.map(([sid]) => sid)));
        await viaRedis(() =>
          Promise.all(batch.map(([sid, lastSeen], index) => expire(sid, lastSeen, limits[index]))),
        );
      }
    },

    // Redis lets old endings run out by itself.
    tidy: () => Promise.resolve(),

    flush: (options) => activity.flush(options),
  };

  /** Sets a session's remaining lifetime: a millisecond where it is over; the index remembers it for the sweep. */
  function expire(sid: string, lastSeen: number, ownIdleMs: number | undefined): Promise<number> {
    const remainingMs = Math.max(1, Math.floor(lifetime.remainingMs(lastSeen, ownIdleMs)));
    return redis.pexpire(sessionKey(sid), remainingMs);
  }
}

function ownerOf(sid: string): string {
  const facts = readSessionId(sid);
  return facts.kind === 'signed_in' ? facts.userId : '';
}

function addByUser(groups: Map<string, string[]>, sids: readonly string[]): Map<string, string[]> {
  for (const sid of sids) {
    const own = groups.get(ownerOf(sid));
    if (own === undefined) groups.set(ownerOf(sid), [sid]);
    else own.push(sid);
  }
  return groups;
}
