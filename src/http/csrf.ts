import csurf from 'csurf';
import type { Request, RequestHandler } from 'express';
import { AppError } from '../errors.ts';
import { routeClassOf } from './route-classes.ts';

/**
 * csurf in session mode: a synchronizer token whose secret lives in the session. Archived, but without the holes of its
 * cookie mode; kept to this one file. The token is read from the body or a header, never from the query string.
 * Mounted behind the session-expiry middleware, so that only forms for anyone make a session for a visitor.
 */
export function createCsrf(): RequestHandler {
  const verify = csurf({ value: presentedToken });
  return function csrf(req, res, next) {
    const routeClass = routeClassOf(req.path);
    if (routeClass !== 'form' && routeClass !== 'guarded') return next();
    verify(req, res, (error?: unknown) => next(isBadToken(error) ? staleForm() : error));
  };
}

const isBadToken = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'EBADCSRFTOKEN';

function staleForm(): AppError {
  return new AppError('csrf', 'The form was open for too long or was not ours. Nothing was done: try again.');
}

function presentedToken(req: Request): string {
  const body: unknown = req.body;
  const field = typeof body === 'object' && body !== null && '_csrf' in body ? body._csrf : undefined;
  const token = field ?? req.headers['x-csrf-token'];
  return typeof token === 'string' ? token : '';
}
