import { type IRouter, type RequestHandler, Router } from 'express';

/** A handler that leads to routes, which it lists as a router does. */
export interface Dispatch extends RequestHandler {
  readonly stack: IRouter['stack'];
}

/**
 * Many routers as one handler: a request goes to those alone that have a route under the first segment of its path. Express
 * asks one router after the other, and each takes a turn of the event loop to say no.
 */
export function createDispatch(...routers: readonly IRouter[]): Dispatch {
  const bySegment = new Map<string, Router>();
  for (const router of routers) {
    for (const segment of segmentsOf(router)) {
      const all = bySegment.get(segment) ?? Router({ caseSensitive: true });
      bySegment.set(segment, all.use(router));
    }
  }
  const dispatch: RequestHandler = (req, res, next) => {
    const router = bySegment.get(firstSegment(req.path));
    if (router === undefined) next();
    else router(req, res, next);
  };
  return Object.assign(dispatch, { stack: Router().use(...routers).stack });
}

/** Throws for a router whose routes it cannot tell: nothing would ever lead to them. */
function segmentsOf(router: IRouter): ReadonlySet<string> {
  const segments = new Set(
    router.stack.flatMap(({ route, handle }) => {
      if (route !== undefined) return [firstSegment(route.path)];
      return isRouter(handle) ? [...segmentsOf(handle)] : [];
    }),
  );
  if (segments.size === 0) throw new Error('A router without a route');
  for (const segment of segments)
    if (/[:*{]/.test(segment)) throw new Error(`A route begins with a parameter: /${segment}`);
  return segments;
}

const isRouter = (handle: unknown): handle is IRouter => typeof handle === 'function' && 'stack' in handle;

function firstSegment(path: string): string {
  const end = path.indexOf('/', 1);
  return path.slice(1, end === -1 ? undefined : end);
}
