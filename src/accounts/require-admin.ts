import type { RequestHandler } from 'express';
import { AppError } from '../errors.ts';
import { currentSession } from '../sessions/current-session.ts';
import type { UserStore } from './user-store.ts';

/**
 * Lets admins pass, and nobody else: `forbidden`. Asks the database each time and not the session, so that a demoted
 * or disabled admin's next request is refused (ASVS 8.3.2). Stands behind the session-expiry middleware.
 */
export function createRequireAdmin({ users }: { users: Pick<UserStore, 'findById'> }): RequestHandler {
  return async function requireAdmin(req, _res, next) {
    const user = await users.findById(currentSession(req).userId);
    if (user === undefined || user.disabled || user.role !== 'admin')
      throw new AppError('forbidden', 'Only an administrator may do this.');
    next();
  };
}
