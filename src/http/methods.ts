import type { RequestHandler, Router } from 'express';
import { refuseMethod } from './refuse-methods.ts';

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
