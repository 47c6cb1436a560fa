import type { Clock } from '../../core/clock.ts';
import type { CutoffCalendar } from '../../core/cutoff.ts';
import type { RedisClient } from '../../storage/redis.ts';
import { createActivity } from '../activity.ts';
import { createPersistedSessions } from '../persisted-sessions.ts';
import type { SessionLifetime } from '../session-lifetime.ts';
import type { SessionStorage } from '../session-storage.ts';
import { createUnreadableSessions } from '../stored-session.ts';
import { createOwnIdleLimits } from './own-idle-limits.ts';
import { readBody } from './read-body.ts';
import { BY_LAST_SEEN, sessionKey } from './redis-keys.ts';
import { createRedisSessionRegistry } from './redis-session-registry.ts';
import { RedisSessionStore } from './redis-session-store.ts';
import type { SessionGate } from './session-gate.ts';

export interface RedisSessionStorageDeps {
  readonly redis: RedisClient;
  readonly clock: Clock;
  readonly calendar: CutoffCalendar;
  readonly lifetime: SessionLifetime;
  readonly gate: Pick<SessionGate, 'pass'>;
  readonly onError: (error: unknown) => void;
}

/** Sessions in Redis: 6.2 or newer, for GETEX. Loading one is one command, and one more when a use is due to be written. */
export function createRedisSessionStorage(deps: RedisSessionStorageDeps): SessionStorage {
  const { redis, clock, lifetime, gate, onError } = deps;
  const marks = createPersistedSessions();
  const unreadable = createUnreadableSessions(onError);
  const ownIdle = createOwnIdleLimits(deps);
  const activity = createActivity({
    clock,
    idleLimitMs: lifetime.idleLimitMs,
    write: writeLastSeen,
    onError,
  });

  const remainingMs = (lastSeen: number): number => Math.max(1, Math.floor(lifetime.remainingMs(lastSeen)));

  /** Another node may have written a later use meanwhile: then this one is no news (GT). */
  async function writeLastSeen(sid: string, lastSeen: number): Promise<void> {
    const moved = await redis.zadd(BY_LAST_SEEN, 'XX', 'GT', 'CH', lastSeen, sid);
    if (moved !== 1) return;
    await redis.pexpire(sessionKey(sid), remainingMs(lastSeen));
    await ownIdle.shorten(sid, lastSeen);
  }

  /** The gate is asked again when the body is there: Redis may have gone and come back in between. */
  async function read(command: () => Promise<string | null>): Promise<string | null> {
    gate.pass();
    const body = await command();
    gate.pass();
    return body;
  }

  async function use(sid: string): Promise<string | null> {
    const now = clock.now();
    if (!activity.noteUse(sid)) return readBody(redis.get(sessionKey(sid)));
    const body = await readBody(redis.getex(sessionKey(sid), 'PX', remainingMs(now)));
    // XX: a session that ended is not entered again.
    if (body !== null)
      Promise.all([redis.zadd(BY_LAST_SEEN, 'XX', now, sid), ownIdle.shorten(sid, now)]).catch(onError);
    return body;
  }

  const createStore = (load: (sid: string) => Promise<string | null>): RedisSessionStore =>
    new RedisSessionStore({
      redis,
      marks,
      load,
      // A sign-in reads no session first: it would begin one in a Redis that is not yet brought up to date.
      admit: gate.pass,
      remainingMs: () => lifetime.remainingMs(clock.now()),
      onSaved(sid) {
        activity.noteWritten(sid);
        ownIdle.shorten(sid, clock.now()).catch(onError);
      },
      onUnreadable: unreadable.report,
    });

  return {
    activeStore: createStore((sid) => read(() => use(sid))),
    passiveStore: createStore((sid) => read(() => readBody(redis.get(sessionKey(sid))))),
    registry: createRedisSessionRegistry({ ...deps, activity, ownIdle, onUnreadable: unreadable.report }),
    unreadable,
  };
}
