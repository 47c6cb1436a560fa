import { Router } from 'express';
import { methods } from '../../http/methods.ts';
import type { RoutePolicy } from '../../http/route-policy.ts';
import { createOverviewPage, OVERVIEW, type OverviewPageDeps } from './overview-page.ts';

export interface OverviewRouterDeps extends OverviewPageDeps {}

export const OVERVIEW_ROUTES: readonly RoutePolicy[] = [
  { path: OVERVIEW, below: true, role: 'admin' },
  { path: `${OVERVIEW}/live`, class: 'poll', role: 'admin' },
];

/** The overview: an administrator's first look. */
export function createOverviewRouter(deps: OverviewRouterDeps): Router {
  const router = Router({ caseSensitive: true });
  const page = createOverviewPage(deps);
  methods(router, OVERVIEW, { get: page.show });
  methods(router, `${OVERVIEW}/live`, { get: page.live });
  return router;
}
