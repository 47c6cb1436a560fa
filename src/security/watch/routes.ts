import { type RequestHandler, Router } from 'express';
import { methods } from '../../http/methods.ts';
import { createLoadPage, LOAD, type LoadPageDeps } from './load-page.ts';

export interface LoadRouterDeps extends LoadPageDeps {
  /** Lets administrators pass, asked anew for each request. */
  readonly requireAdmin: RequestHandler;
}

/** How the server is doing, for administrators. */
export function createLoadRouter(deps: LoadRouterDeps): Router {
  const router = Router({ caseSensitive: true });
  const { requireAdmin } = deps;
  const page = createLoadPage(deps);
  methods(router, LOAD, { get: [requireAdmin, page.show] });
  methods(router, `${LOAD}/live`, { get: [requireAdmin, page.showLive] });
  return router;
}
