import type { SessionData } from 'express-session';

/**
 * Which session objects stand for something that is in the store. A stored session may only be saved while it is still
 * there, a new one only while its id is free: without the difference, a request in flight during a logout writes the
 * session back and the user is signed in again (tj/connect-redis 328, expressjs/session 632).
 */
export interface PersistedSessions {
  has(session: SessionData): boolean;
  add(session: SessionData): void;
}

export function createPersistedSessions(): PersistedSessions {
  const stored = new WeakSet<SessionData>();
  return { has: (session) => stored.has(session), add: (session) => void stored.add(session) };
}
