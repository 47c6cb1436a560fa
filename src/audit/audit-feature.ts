import type { ErrorRequestHandler, RequestHandler } from 'express';
import type { AuditLog } from '../core/audit-event.ts';
import type { AnswersToOrders } from '../core/broker-answer.ts';
import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import type { Log } from '../core/log.ts';
import { auditOrigin } from '../http/audit-origin.ts';
import type { Feature } from '../http/feature.ts';
import { policyOf } from '../http/route-policy.ts';
import type { Database } from '../storage/database.ts';
import type { AuditChainStore } from './audit-chain-store.ts';
import { type AuditCheckStore, createAuditCheckStore } from './audit-check-store.ts';
import { type AuditHourStore, createAuditHourStore } from './audit-hour-store.ts';
import { type AuditKeeper, createAuditKeeper } from './audit-keeper.ts';
import { createAuditPeopleStore } from './audit-people-store.ts';
import { createAuditPruning } from './audit-pruning.ts';
import { type AuditRowStore, createAuditRowStore } from './audit-row-store.ts';
import { type AuditSearchStore, createAuditSearchStore } from './audit-search-store.ts';
import { createRefusalWatch } from './refusal-watch.ts';
import { createAuditRouter } from './routes.ts';

export interface AuditFeatureDeps {
  readonly database: Database;
  readonly chain: AuditChainStore;
  readonly calendar: CutoffCalendar;
  readonly clock: Clock;
  readonly audit: AuditLog;
  readonly log: Log;
  /** AUDIT_LOG_YEARS. */
  readonly years: number;
  readonly brokerName: (broker: string) => string;
  readonly answersTo: AnswersToOrders;
}

export interface AuditFeature extends Feature {
  /** For the command line, too. */
  readonly rows: AuditRowStore;
  readonly search: AuditSearchStore['search'];
  /** For charts. */
  readonly hours: AuditHourStore;
  /** The result of the last verification of the chain. */
  readonly chainState: AuditCheckStore['read'];
  readonly keeper: AuditKeeper;
  readonly exportWatch: RequestHandler;
  /** In front of the error handlers. */
  readonly refusalWatch: ErrorRequestHandler;
}

/** Readers and maintenance of the audit log, wired; its writer is made before all other features. */
export function createAuditFeature(deps: AuditFeatureDeps): AuditFeature {
  const { database } = deps;
  const rows = createAuditRowStore(database);
  const hours = createAuditHourStore(database);
  const checks = createAuditCheckStore(database);
  const pruning = createAuditPruning({ ...deps, rows, hours });
  const search = createAuditSearchStore(database);
  const people = createAuditPeopleStore(database);
  const keeper = createAuditKeeper({ ...deps, rows, checks, pruning });
  return {
    rows,
    search: search.search,
    hours,
    chainState: checks.read,
    keeper,
    jobs: [keeper.watch],
    exportWatch: createExportWatch(deps.audit),
    refusalWatch: createRefusalWatch(deps),
    router: createAuditRouter({ ...deps, rows, search, people, checks }),
  };
}

/**
 * Records that a list was taken out, also where that was broken off before its end. The audit log's own export is recorded
 * before its first line.
 */
function createExportWatch(audit: AuditLog): RequestHandler {
  return function exportWatch(req, res, next) {
    const { exports: what, path } = policyOf(req);
    if (what === undefined || req.method !== 'GET') return next();
    res.once('close', () => {
      if (res.statusCode !== 200) return;
      const scope = path.endsWith('.csv') ? 'as CSV' : 'as JSON';
      void audit.record({ type: 'export.taken', what, scope }, auditOrigin(req, res));
    });
    next();
  };
}
