import { type RequestHandler, Router } from 'express';
import { methods } from '../http/methods.ts';
import { AUDIT, AUDIT_EXPORT, type AuditPageDeps, createAuditPage } from './audit-page.ts';
import { createReceiptsPage, RECEIPTS, type ReceiptsPageDeps } from './receipts-page.ts';

export type AuditRouterDeps = AuditPageDeps &
  ReceiptsPageDeps & {
    /** Lets administrators pass, asked anew for each request. */
    readonly requireAdmin: RequestHandler;
  };

/** What was recorded, for administrators. Nothing here changes or removes a row. */
export function createAuditRouter(deps: AuditRouterDeps): Router {
  const router = Router({ caseSensitive: true });
  const { requireAdmin } = deps;
  const log = createAuditPage(deps);
  const receipts = createReceiptsPage(deps);

  methods(router, AUDIT, { get: [requireAdmin, log.show] });
  methods(router, AUDIT_EXPORT, { get: [requireAdmin, log.exportLines] });
  methods(router, RECEIPTS, { get: [requireAdmin, receipts.list] });
  methods(router, `${RECEIPTS}/:seq`, { get: [requireAdmin, receipts.show] });
  return router;
}
