import { type RequestHandler, Router } from 'express';
import { methods } from '../../http/methods.ts';
import { createTrafficPages, type TrafficPagesDeps } from './traffic-pages.ts';
import { TRAFFIC } from './traffic-view.ts';

export type TrafficRouterDeps = TrafficPagesDeps & {
  /** Lets administrators pass, asked anew for each request. */
  readonly requireAdmin: RequestHandler;
};

/** The traffic log, for administrators. */
export function createTrafficRouter(deps: TrafficRouterDeps): Router {
  const router = Router({ caseSensitive: true });
  const { requireAdmin } = deps;
  const pages = createTrafficPages(deps);
  methods(router, TRAFFIC, { get: [requireAdmin, pages.list] });
  methods(router, `${TRAFFIC}/tail`, { get: [requireAdmin, pages.tail] });
  methods(router, `${TRAFFIC}/export.csv`, { get: [requireAdmin, pages.exportCsv] });
  methods(router, `${TRAFFIC}/:requestId`, { get: [requireAdmin, pages.show] });
  return router;
}
