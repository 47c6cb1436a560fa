import { RedisStore } from 'connect-redis';
import type { SessionData } from 'express-session';
import { unavailable } from '../../errors.ts';
import type { RedisClient } from '../../storage/redis.ts';
import type { PersistedSessions } from '../persisted-sessions.ts';
import { SessionEndedError } from '../session-storage.ts';
import { parseStoredSession } from '../stored-session.ts';
import { SESSION_PREFIX } from './redis-keys.ts';

export interface RedisSessionStoreDeps {
  readonly redis: RedisClient;
  readonly marks: PersistedSessions;
  /** The body of a session as JSON; whether reading it is a sign of life is the caller's choice. */
  readonly load: (sid: string) => Promise<string | null>;
  /** Throws where a session must not be saved now. */
  readonly admit: () => void;
  /** Milliseconds that a session saved now may live. */
  readonly remainingMs: () => number;
  readonly onSaved: (sid: string) => void;
  readonly onUnreadable: (sid: string) => void;
}

type Callback = (error?: unknown) => void;
type LoadCallback = (error: unknown, session?: SessionData | null) => void;

/**
 * connect-redis with what it lacks: a save that cannot bring an ended session back (XX for a loaded session, NX for a
 * new one), lifetimes in milliseconds that follow the clock, and errors that mean 503. Touching is not its business:
 * express-session would hold back the last byte of every response for it.
 */
export class RedisSessionStore extends RedisStore {
  readonly #deps: RedisSessionStoreDeps;

  constructor(deps: RedisSessionStoreDeps) {
    super({ client: deps.redis, prefix: SESSION_PREFIX, disableTouch: true });
    this.#deps = deps;
    // express-session looks whether there is one, and would hash the session once more before it called one that does nothing.
    Object.defineProperty(this, 'touch', { value: undefined });
  }

  override async get(sid: string, callback?: LoadCallback): Promise<void> {
    let body: string | null;
    try {
      body = await this.#deps.load(sid);
    } catch (error) {
      return void callback?.(unavailable('The session store', error, 2));
    }
    const session = body === null ? undefined : parseStoredSession(body);
    if (body !== null && session === undefined) this.#deps.onUnreadable(sid);
    callback?.(null, session ?? null);
  }

  override async set(sid: string, session: SessionData, callback?: Callback): Promise<void> {
    const { redis, marks, admit, remainingMs, onSaved } = this.#deps;
    const lifetimeMs = Math.floor(remainingMs());
    if (lifetimeMs <= 0) return void callback?.(new SessionEndedError());
    const body = JSON.stringify(session);
    const key = SESSION_PREFIX + sid;
    try {
      admit();
      const reply = marks.has(session)
        ? await redis.set(key, body, 'PX', lifetimeMs, 'XX')
        : await redis.set(key, body, 'PX', lifetimeMs, 'NX');
      if (reply === null) return void callback?.(new SessionEndedError());
    } catch (error) {
      return void callback?.(unavailable('The session store', error, 2));
    }
    marks.add(session);
    onSaved(sid);
    callback?.(null);
  }

  override async destroy(sid: string, callback?: Callback): Promise<void> {
    await super.destroy(sid, (error: unknown) =>
      callback?.(error ? unavailable('The session store', error, 2) : null),
    );
  }

  override createSession(
    ...args: Parameters<RedisStore['createSession']>
  ): ReturnType<RedisStore['createSession']> {
    const session = super.createSession(...args);
    this.#deps.marks.add(session);
    return session;
  }
}
