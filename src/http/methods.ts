import type { RequestHandler, Router } from 'express';
import { AppError, notFound } from '../errors.ts';

/** RFC 9110, 9.2.1: of those that this server takes. */
export const isSafeMethod = (method: string): boolean =>
  method === 'GET' || method === 'HEAD' || method === 'OPTIONS';

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

/**
 * Puts the handlers of one path on a router; any other method gets 405 with Allow (RFC 9110, 15.5.6; ASVS 13.4.4).
 * A GET also answers HEAD.
 */
export function methods(
  router: Router,
  path: string,
  handlers: Partial<Record<Method, RequestHandler | readonly RequestHandler[]>>,
): void {
  const route = router.route(path);
  for (const [method, handler] of Object.entries(handlers)) {
    route[method as Method](...[handler].flat());
  }
  const allow = Object.keys(handlers)
    .flatMap((method) => (method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()]))
    .join(', ');
  route.all(function refuseOtherMethods(req, res, next) {
    if (req.method === 'OPTIONS') {
      res.set('Allow', allow).sendStatus(204);
      return;
    }
    next(refuseMethod(req.method, allow));
  });
}

/** RFC 9110, 15.5.6: a method that an address does not take is answered with those that it does. */
function refuseMethod(method: string, allow: string): AppError {
  return new AppError('method_not_allowed', `This address takes ${allow} and not ${method}.`, {
    headers: { Allow: allow },
  });
}

const READING = 'GET, HEAD';

/** For folders of files: methods that do not read are refused, whether or not there is a file of that name. */
export const readOnly: RequestHandler = function readOnly(req, res, next) {
  if (req.method === 'GET' || req.method === 'HEAD') return next();
  if (req.method === 'OPTIONS') return void res.set('Allow', READING).sendStatus(204);
  next(refuseMethod(req.method, READING));
};

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
