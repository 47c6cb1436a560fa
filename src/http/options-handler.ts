import type { RequestHandler } from 'express';
import { notFound } from '../errors.ts';

/** Methods of the server as a whole (RFC 9110, 9.3.7: `OPTIONS *`). */
const ALL_METHODS = 'GET, HEAD, POST, OPTIONS';

/**
 * Says in front of the session which methods an address takes: that is no secret, and asking for it is no use of a session.
 * `routes` holds all routes; of those, an OPTIONS request reaches only what `methods` puts behind each.
 */
export function createOptionsHandler(routes: RequestHandler): RequestHandler {
  return function answerOptions(req, res, next) {
    if (req.method !== 'OPTIONS') return next();
    if (req.url === '*') return void res.set('Allow', ALL_METHODS).sendStatus(204);
    routes(req, res, (error?: unknown) => next(error ?? notFound()));
  };
}
