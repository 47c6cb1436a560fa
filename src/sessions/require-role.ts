import type { RequestHandler } from 'express';
import { AppError } from '../errors.ts';
import type { Viewer } from '../http/page.ts';
import { currentSession } from './current-session.ts';

/** The role that a person has now; undefined for somebody who is disabled or gone. */
export type FindRole = (userId: string) => Promise<Viewer['role'] | undefined>;

/**
 * Lets pass who has the role at this moment (ASVS 8.3.2): what the session says is from the sign-in, and somebody may
 * have been made less since.
 */
export function createRequireRole(findRole: FindRole): (role: Viewer['role']) => RequestHandler {
  return (role) =>
    async function requireRole(req, _res, next) {
      if ((await findRole(currentSession(req).userId)) === role) return next();
      next(new AppError('forbidden', 'This page is for administrators.'));
    };
}
