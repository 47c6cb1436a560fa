import { Router } from 'express';
import { methods } from '../../http/methods.ts';
import type { RoutePolicy } from '../../http/route-policy.ts';
import { createTrafficPages, type TrafficPagesDeps } from './traffic-pages.ts';
import { TRAFFIC } from './traffic-view.ts';

export type TrafficRouterDeps = TrafficPagesDeps & {};

export const TRAFFIC_ROUTES: readonly RoutePolicy[] = [
  { path: TRAFFIC, role: 'admin' },
  { path: `${TRAFFIC}/tail`, class: 'poll', role: 'admin' },
  { path: `${TRAFFIC}/export.csv`, role: 'admin', exports: 'traffic' },
  { path: `${TRAFFIC}/:requestId`, role: 'admin' },
];

/** The traffic log, for administrators. */
export function createTrafficRouter(deps: TrafficRouterDeps): Router {
  const router = Router({ caseSensitive: true });
  const pages = createTrafficPages(deps);
  methods(router, TRAFFIC, { get: pages.list });
  methods(router, `${TRAFFIC}/tail`, { get: pages.tail });
  methods(router, `${TRAFFIC}/export.csv`, { get: pages.exportCsv });
  methods(router, `${TRAFFIC}/:requestId`, { get: pages.show });
  return router;
}
