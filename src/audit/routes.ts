import { Router } from 'express';
import { methods } from '../http/methods.ts';
import type { RoutePolicy } from '../http/route-policy.ts';
import { AUDIT, AUDIT_EXPORT, type AuditPageDeps, createAuditPage } from './audit-page.ts';
import { createReceiptsPage, RECEIPTS, type ReceiptsPageDeps } from './receipts-page.ts';

export type AuditRouterDeps = AuditPageDeps & ReceiptsPageDeps & {};

export const AUDIT_ROUTES: readonly RoutePolicy[] = [
  { path: AUDIT, role: 'admin' },
  { path: AUDIT_EXPORT, role: 'admin' },
  { path: RECEIPTS, role: 'admin' },
  { path: `${RECEIPTS}/:seq`, role: 'admin' },
];

/** Recorded events, for administrators. Nothing here changes or removes a row. */
export function createAuditRouter(deps: AuditRouterDeps): Router {
  const router = Router({ caseSensitive: true });
  const log = createAuditPage(deps);
  const receipts = createReceiptsPage(deps);

  methods(router, AUDIT, { get: log.show });
  methods(router, AUDIT_EXPORT, { get: log.exportLines });
  methods(router, RECEIPTS, { get: receipts.list });
  methods(router, `${RECEIPTS}/:seq`, { get: receipts.show });
  return router;
}
