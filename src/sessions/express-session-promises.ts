import type { Request } from 'express';
import 'express-session';

/** express-session reports through callbacks whose errors are easily ignored: a login that did so answered 200 with nothing stored. */
export function regenerateSession(req: Request): Promise<void> {
  return new Promise((resolve, reject) => {
    req.session.regenerate((error: unknown) => (error ? reject(asError(error)) : resolve()));
  });
}

export function saveSession(req: Request): Promise<void> {
  return new Promise((resolve, reject) => {
    req.session.save((error: unknown) => (error ? reject(asError(error)) : resolve()));
  });
}

/** Forgets the request's session without touching the store: express-session will neither save it nor set its cookie. */
export function dropSession(req: Request): void {
  Reflect.deleteProperty(req, 'session');
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error('The session store failed', { cause: error });
}
