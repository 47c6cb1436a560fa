import type { Request } from 'express';
import { fromIso } from '../core/ist.ts';
import { AppError } from '../errors.ts';
import './session-data.ts';
import type { SignedInUser } from './session-data.ts';

export interface CurrentSession extends SignedInUser {
  readonly sid: string;
  readonly epoch: number;
  /** Milliseconds since the epoch. */
  readonly loginTime: number;
}

/** Resolved once for each request: a sign-in gives it another session object. */
const resolved = new WeakMap<Request['session'], CurrentSession>();

/** The session of a signed-in user that the request carries; undefined for a visitor. Says nothing about expiry. */
export function findCurrentSession(req: Request): CurrentSession | undefined {
  const { session } = req;
  if (session?.userId === undefined || session.loginTime === undefined || session.epoch === undefined)
    return undefined;
  const known = resolved.get(session) ?? resolve(req, session.userId, session.epoch, session.loginTime);
  resolved.set(session, known);
  return known;
}

function resolve(req: Request, userId: string, epoch: number, loginTime: string): CurrentSession {
  const { session } = req;
  return {
    sid: req.sessionID,
    userId,
    username: session.username ?? '',
    role: session.role ?? 'viewer',
    epoch,
    loginTime: fromIso(loginTime),
  };
}

/** The same behind the session-expiry middleware, where there always is one. */
export function currentSession(req: Request): CurrentSession {
  const session = findCurrentSession(req);
  if (session === undefined) throw new AppError('login_required', 'Sign in first.');
  return session;
}
