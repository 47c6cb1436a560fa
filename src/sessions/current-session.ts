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

/** The session of a signed-in user that the request carries; undefined for a visitor. Says nothing about expiry. */
export function findCurrentSession(req: Request): CurrentSession | undefined {
  const { session } = req;
  if (session?.userId === undefined || session.loginTime === undefined || session.epoch === undefined)
    return undefined;
  return {
    sid: req.sessionID,
    userId: session.userId,
    username: session.username ?? '',
    role: session.role ?? 'user',
    epoch: session.epoch,
    loginTime: fromIso(session.loginTime),
  };
}

/** The same behind the session-expiry middleware, where there always is one. */
export function currentSession(req: Request): CurrentSession {
  const session = findCurrentSession(req);
  if (session === undefined) throw new AppError('login_required', 'Sign in first.');
  return session;
}
