import { Router } from 'express';
import { methods } from '../../http/methods.ts';
import type { RoutePolicy } from '../../http/route-policy.ts';
import { createLoadPage, LOAD, type LoadPageDeps } from './load-page.ts';

export interface LoadRouterDeps extends LoadPageDeps {}

export const LOAD_ROUTES: readonly RoutePolicy[] = [
  { path: LOAD, role: 'admin' },
  { path: `${LOAD}/live`, class: 'poll', role: 'admin' },
];

/** How the server is doing, for administrators. */
export function createLoadRouter(deps: LoadRouterDeps): Router {
  const router = Router({ caseSensitive: true });
  const page = createLoadPage(deps);
  methods(router, LOAD, { get: page.show });
  methods(router, `${LOAD}/live`, { get: page.showLive });
  return router;
}
