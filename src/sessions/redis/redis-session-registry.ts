import type { Clock } from '../../core/clock.ts';
import { viaRedis } from '../../storage/redis.ts';
import type { Activity } from '../activity.ts';
import { toDeviceSession } from '../device-session.ts';
import type { DeviceSession } from '../session-data.ts';
import { tellsOfCutoff } from '../session-id.ts';
import { paginateSessions } from '../session-pagination.ts';
import type { SessionRegistry } from '../session-storage.ts';
import { parseStoredSession } from '../stored-session.ts';
import { readBody } from './read-body.ts';
import { readByScore, toPairs } from './read-by-score.ts';
import { BY_LAST_SEEN, BY_LOGIN, sessionKey, userKey } from './redis-keys.ts';
import { createRedisSessionEndings, ownerOf, type RedisSessionEndingsDeps } from './redis-session-endings.ts';

export interface RedisSessionRegistryDeps extends RedisSessionEndingsDeps {
  readonly clock: Clock;
  readonly activity: Activity;
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
  const { redis, clock, lifetime, activity, ownIdle } = deps;

  /** Sets a session's remaining lifetime: a millisecond where it is over; the index remembers it for the sweep. */
  function expire(sid: string, lastSeen: number, ownIdleMs: number | undefined): Promise<number> {
    const remainingMs = Math.max(1, Math.floor(lifetime.remainingMs(lastSeen, ownIdleMs)));
    return redis.pexpire(sessionKey(sid), remainingMs);
  }

  return {
    ...createSessionLists(deps),
    ...createRedisSessionEndings(deps),

    register: ({ sid, userId, epoch, loginTime }) =>
      viaRedis(async () => {
        await Promise.all([
          redis.zadd(userKey(userId), epoch, sid),
          redis.zadd(BY_LOGIN, loginTime, sid),
          redis.zadd(BY_LAST_SEEN, clock.now(), sid),
        ]);
      }),

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

    flush: (options) => activity.flush(options),
  };
}

/** Lists and counts sessions. */
function createSessionLists({
  redis,
  clock,
  calendar,
  lifetime,
  ownIdle,
  onUnreadable,
}: RedisSessionRegistryDeps): Pick<
  SessionRegistry,
  'listByUser' | 'listAll' | 'listNewest' | 'countLive' | 'countBefore'
> {
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
    listByUser: (userId) => viaRedis(async () => toDevices(await redis.zrange(userKey(userId), 0, '-1'))),

    async *listAll() {
      for await (const batch of readByScore(redis, BY_LOGIN, BATCH))
        yield await viaRedis(() => toDevices(batch.map(([sid]) => sid)));
    },

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

    countBefore: (before) => viaRedis(() => redis.zcount(BY_LOGIN, '-inf', `(${before}`)),
  };
}
