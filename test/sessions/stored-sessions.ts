import session, { type SessionData } from 'express-session';
import { toIstIso } from '../../src/core/ist.ts';
import { newSignedInSessionId } from '../../src/sessions/session-id.ts';
import type { SessionStorage } from '../../src/sessions/session-storage.ts';

export interface SessionFacts {
  readonly userId: string;
  /** Milliseconds since the epoch. */
  readonly loginTime: number;
  readonly epoch?: number;
}

/** A body as sign-in makes it. */
export function sessionBody({ userId, loginTime, epoch = 0 }: SessionFacts): SessionData {
  return {
    cookie: new session.Cookie(),
    userId,
    username: userId,
    role: 'user',
    epoch,
    loginTime: toIstIso(loginTime),
    deviceId: 'device',
    userAgent: '',
    address: '192.0.2.1',
    csrfSecret: 'secret',
  };
}

/** Stores a session without a browser, for tests that need many; returns its id. */
export async function putSession(storage: SessionStorage, facts: SessionFacts): Promise<string> {
  const sid = newSignedInSessionId(facts.userId, facts.loginTime);
  await storage.registry.register({ sid, epoch: 0, ...facts });
  await saveBody(storage, sid, sessionBody(facts));
  return sid;
}

export function saveBody({ activeStore }: SessionStorage, sid: string, body: SessionData): Promise<void> {
  return new Promise((resolve, reject) => {
    activeStore.set(sid, body, (error: unknown) => (error ? reject(error) : resolve()));
  });
}

/** As express-session asks for it; `passive` is not a sign of life. */
export function loadBody(
  storage: SessionStorage,
  sid: string,
  { passive = false } = {},
): Promise<SessionData | null | undefined> {
  const store = passive ? storage.passiveStore : storage.activeStore;
  return new Promise((resolve, reject) => {
    store.get(sid, (error: unknown, body) => (error ? reject(error) : resolve(body)));
  });
}

export function destroySession({ activeStore }: SessionStorage, sid: string): Promise<void> {
  return new Promise((resolve, reject) => {
    activeStore.destroy(sid, (error: unknown) => (error ? reject(error) : resolve()));
  });
}
