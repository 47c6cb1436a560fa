import { type RequestHandler, Router } from 'express';
import { methods } from '../http/methods.ts';
import type { UploadPath } from '../http/multipart.ts';
import { createImportPage, type ImportPageDeps } from './import-page.ts';
import { MASTER_LIMITS } from './master-limits.ts';
import { createSearchPage, type SearchPageDeps } from './search-page.ts';

export interface SymbolRouterDeps extends SearchPageDeps, ImportPageDeps {
  /** Lets administrators pass, asked anew for each request. */
  readonly requireAdmin: RequestHandler;
}

const IMPORTS = '/symbols/imports';

/** Where a file comes in. */
export const SYMBOL_UPLOAD: UploadPath = { path: IMPORTS, mostBytes: MASTER_LIMITS.fileBytes };

/** Searching for instruments; and for administrators, importing them. */
export function createSymbolRouter(deps: SymbolRouterDeps): Router {
  const { requireAdmin } = deps;
  const router = Router({ caseSensitive: true });
  const page = createImportPage(deps);

  methods(router, '/symbols', { get: createSearchPage(deps) });
  methods(router, IMPORTS, { get: [requireAdmin, page.showAll], post: [requireAdmin, page.receive] });
  methods(router, `${IMPORTS}/:id`, { get: [requireAdmin, page.showOne] });
  methods(router, '/symbols/progress/:id', { get: [requireAdmin, page.showProgress] });
  return router;
}
