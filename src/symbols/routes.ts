import { Router } from 'express';
import { methods } from '../http/methods.ts';
import type { RoutePolicy } from '../http/route-policy.ts';
import { createImportPage, type ImportPageDeps } from './import-page.ts';
import { MASTER_LIMITS } from './master-limits.ts';
import { createSearchPage, type SearchPageDeps } from './search-page.ts';

export interface SymbolRouterDeps extends SearchPageDeps, ImportPageDeps {}

const IMPORTS = '/symbols/imports';

export const SYMBOL_ROUTES: readonly RoutePolicy[] = [
  { path: '/symbols' },
  { path: IMPORTS, role: 'admin', upload: { mostBytes: MASTER_LIMITS.fileBytes } },
  { path: `${IMPORTS}/:id`, role: 'admin' },
  { path: '/symbols/progress/:id', class: 'poll', role: 'admin' },
];

/** Searching for instruments; and for administrators, importing them. */
export function createSymbolRouter(deps: SymbolRouterDeps): Router {
  const router = Router({ caseSensitive: true });
  const page = createImportPage(deps);

  methods(router, '/symbols', { get: createSearchPage(deps) });
  methods(router, IMPORTS, { get: page.showAll, post: page.receive });
  methods(router, `${IMPORTS}/:id`, { get: page.showOne });
  methods(router, '/symbols/progress/:id', { get: page.showProgress });
  return router;
}
