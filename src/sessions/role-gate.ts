import type { RequestHandler } from 'express';
import { AppError } from '../errors.ts';
import type { Viewer } from '../http/page.ts';
import { policyOf } from '../http/route-policy.ts';
import type { Acting } from '../storage/acting.ts';
import { currentSession } from './current-session.ts';

/** The role that a user has now; undefined for one who is disabled or gone. */
export type FindRole = (userId: string) => Promise<Viewer['role'] | undefined>;

/**
 * Lets the role of the route's row pass, asked anew for each request (ASVS 8.3.2): what the session says is from the
 * sign-in, and the user may have been made less since. And once more in the transaction of whatever the request writes.
 */
export function createRoleGate(findRole: FindRole, acting: Pick<Acting, 'current'>): RequestHandler {
  return async function requireRole(req, _res, next) {
    if (policyOf(req).role === undefined) return next();
    if ((await findRole(currentSession(req).userId)) !== 'admin')
      return next(new AppError('forbidden', 'This page is for administrators.'));
    const actor = acting.current();
    if (actor !== undefined) actor.needsAdmin = true;
    next();
  };
}
