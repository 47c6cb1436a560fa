import type { Request, RequestHandler } from 'express';
import { includesRole, type Role } from '../core/role.ts';
import { AppError } from '../errors.ts';
import { isSafeMethod } from '../http/methods.ts';
import { isGuarded, policyOf, routeClassOf } from '../http/route-policy.ts';
import type { Acting } from '../storage/acting.ts';
import { currentSession } from './current-session.ts';

/** The role that a user has now; undefined for one who is disabled or gone. */
export type FindRole = (userId: string) => Promise<Role | undefined>;

/**
 * Lets the role of the route's row pass, and lets viewers change nothing but their own account; asked anew for each request
 * (ASVS 8.3.2): what the session says is from the sign-in, and the user may have been made less since. And once more in the
 * transaction of each write of the request.
 */
export function createRoleGate(findRole: FindRole, acting: Pick<Acting, 'current'>): RequestHandler {
  return async function requireRole(req, _res, next) {
    const actor = acting.current();
    if (actor !== undefined && policyOf(req).viewersToo) actor.viewerMay = true;
    const needed = neededRole(req);
    if (needed === undefined) return next();
    const role = await findRole(currentSession(req).userId);
    if (role === undefined || !includesRole(role, needed)) return next(refusalOf(needed));
    if (needed !== 'admin') return next();
    if (actor !== undefined) actor.needsAdmin = true;
    next();
  };
}

/** Undefined where every signed-in user may, or no sign-in is needed. */
function neededRole(req: Request): 'admin' | 'user' | undefined {
  const { role, viewersToo } = policyOf(req);
  if (role !== undefined) return role;
  return isSafeMethod(req.method) || viewersToo || !isGuarded(routeClassOf(req)) ? undefined : 'user';
}

function refusalOf(needed: 'admin' | 'user'): AppError {
  return new AppError(
    'forbidden',
    needed === 'admin'
      ? 'This page is for administrators.'
      : 'Your role is viewer: you can see, but not change or connect anything. Ask an administrator if you need more.',
  );
}
