import { type SessionData, Store } from 'express-session';
import { readSessionId } from './session-id.ts';

/**
 * Stands between express-session and a store, and lets pass what belongs to the signed-in. A visitor's session is not
 * looked for, so that it begins anew under the id that `VisitorIds` makes of the old one, and it is not kept.
 */
export class SignedInStore extends Store {
  readonly #store: Store;

  constructor(store: Store) {
    super();
    this.#store = store;
  }

  override get(sid: string, callback: (error: unknown, session?: SessionData | null) => void): void {
    if (isVisitor(sid)) callback(null, null);
    else this.#store.get(sid, callback);
  }

  override set(sid: string, session: SessionData, callback?: (error?: unknown) => void): void {
    if (isVisitor(sid)) callback?.(carriesMore(session) ? new Error(LOST) : null);
    else this.#store.set(sid, session, callback);
  }

  override destroy(sid: string, callback?: (error?: unknown) => void): void {
    if (isVisitor(sid)) callback?.();
    else this.#store.destroy(sid, callback);
  }

  override createSession(...args: Parameters<Store['createSession']>): ReturnType<Store['createSession']> {
    return this.#store.createSession(...args);
  }
}

const isVisitor = (sid: string): boolean => readSessionId(sid).kind === 'visitor';

/** The secret of its forms follows from the id; anything else written into it would be lost without an error. */
const carriesMore = (session: SessionData): boolean =>
  Object.keys(session).some((name) => name !== 'cookie' && name !== 'csrfSecret');

const LOST = 'A visitor’s session is stored nowhere, and can carry nothing but the secret of its forms';
