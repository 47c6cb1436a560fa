import csurf from 'csurf';
import type { Request, RequestHandler } from 'express';
import { AppError } from '../errors.ts';
import { routeClassOf } from './route-policy.ts';

/**
 * csurf in session mode: a synchronizer token whose secret lives in the session. Archived, but without the holes of its
 * cookie mode; kept to this one file. The token is read from the body or a header, never from the query string.
 * Mounted behind the session-expiry middleware, so that only forms for anyone give a visitor a cookie.
 * `visitorSecret` is what a session id stands for for a visitor who is not signed in: such a session is stored nowhere.
 */
export function createCsrf(visitorSecret: (sid: string) => string): RequestHandler {
  const verify = csurf({ value: presentedToken });

  /** Before csurf invents a secret, which a visitor's next request would not know. */
  function giveSecret({ session, sessionID }: Request): void {
    if (session.userId === undefined) session.csrfSecret ??= visitorSecret(sessionID);
  }

  return function csrf(req, res, next) {
    const routeClass = routeClassOf(req);
    if (routeClass !== 'form' && routeClass !== 'guarded') return next();
    giveSecret(req);
    verify(req, res, (error?: unknown) => {
      const { csrfToken } = req;
      // A sign-in that was refused late has replaced the session since.
      req.csrfToken = () => {
        giveSecret(req);
        return csrfToken();
      };
      next(isBadToken(error) ? staleForm() : error);
    });
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
