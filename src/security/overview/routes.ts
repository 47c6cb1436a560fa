import { type RequestHandler, Router } from 'express';
import { methods } from '../../http/methods.ts';
import { createOverviewPage, OVERVIEW, type OverviewPageDeps } from './overview-page.ts';

export interface OverviewRouterDeps extends OverviewPageDeps {
  readonly requireAdmin: RequestHandler;
}

/** What an administrator with two minutes looks at. */
export function createOverviewRouter(deps: OverviewRouterDeps): Router {
  const router = Router({ caseSensitive: true });
  const page = createOverviewPage(deps);
  methods(router, OVERVIEW, { get: [deps.requireAdmin, page.show] });
  methods(router, `${OVERVIEW}/live`, { get: [deps.requireAdmin, page.live] });
  return router;
}
