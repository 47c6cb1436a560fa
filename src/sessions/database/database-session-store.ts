import { type SessionData, Store } from 'express-session';
import { unavailable } from '../../errors.ts';
import type { PersistedSessions } from '../persisted-sessions.ts';
import { SessionEndedError } from '../session-storage.ts';
import type { SessionRows } from './session-row-store.ts';

/** express-session's side. It never touches: `load` decides what is a sign of life. */
export class DatabaseSessionStore extends Store {
  readonly #rows: SessionRows;
  readonly #marks: PersistedSessions;
  readonly #load: (sid: string) => Promise<SessionData | undefined>;

  constructor(
    rows: SessionRows,
    marks: PersistedSessions,
    load: (sid: string) => Promise<SessionData | undefined>,
  ) {
    super();
    this.#rows = rows;
    this.#marks = marks;
    this.#load = load;
  }

  override get(sid: string, callback: (error: unknown, session?: SessionData | null) => void): void {
    settle(
      this.#load(sid).then((session) => session ?? null),
      callback,
    );
  }

  override set(sid: string, session: SessionData, callback?: (error?: unknown) => void): void {
    settle(this.#save(sid, session), callback);
  }

  async #save(sid: string, session: SessionData): Promise<void> {
    const stored = this.#marks.has(session)
      ? await this.#rows.update(sid, session)
      : await this.#rows.insert(sid, session);
    if (!stored) throw new SessionEndedError();
    this.#marks.add(session);
  }

  override destroy(sid: string, callback?: (error?: unknown) => void): void {
    settle(this.#rows.remove(sid), callback);
  }

  override createSession(...args: Parameters<Store['createSession']>): ReturnType<Store['createSession']> {
    const session = super.createSession(...args);
    this.#marks.add(session);
    return session;
  }
}

/** A promise's outcome for a callback; a database that does not answer is `unavailable`, so that the cookie is kept. */
function settle<T>(promise: Promise<T>, callback?: (error: unknown, value?: T) => void): void {
  promise.then(
    (value) => callback?.(null, value),
    (error: unknown) =>
      callback?.(error instanceof SessionEndedError ? error : unavailable('The session store', error, 2)),
  );
}
