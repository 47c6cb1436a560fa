import type { ErrorRequestHandler, RequestHandler } from 'express';
import type { AuditLog } from '../core/audit-event.ts';
import type { AnswersToOrders } from '../core/broker-answer.ts';
import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import type { Log } from '../core/log.ts';
import type { Database } from '../storage/database.ts';
import type { AuditChainStore } from './audit-chain-store.ts';
import { createAuditCheckStore } from './audit-check-store.ts';
import { type AuditHourStore, createAuditHourStore } from './audit-hour-store.ts';
import { type AuditKeeper, createAuditKeeper } from './audit-keeper.ts';
import { createAuditPeopleStore } from './audit-people-store.ts';
import { createAuditPruning } from './audit-pruning.ts';
import { type AuditRowStore, createAuditRowStore } from './audit-row-store.ts';
import { createAuditSearchStore } from './audit-search-store.ts';
import { createExportWatch } from './export-watch.ts';
import { createRefusalWatch } from './refusal-watch.ts';
import type { AuditRouterDeps } from './routes.ts';

export interface AuditRoomDeps {
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

export interface AuditRoom {
  /** For the command line, too. */
  readonly rows: AuditRowStore;
  /** For charts. */
  readonly hours: AuditHourStore;
  readonly keeper: AuditKeeper;
  readonly exportWatch: RequestHandler;
  /** In front of whatever renders errors. */
  readonly refusalWatch: ErrorRequestHandler;
  /** What the router takes besides who may see what. */
  readonly routes: AuditRouterDeps;
}

/** What reads the audit log and looks after it, wired; what writes it is made before all other rooms. */
export function createAuditRoom(deps: AuditRoomDeps): AuditRoom {
  const { database } = deps;
  const rows = createAuditRowStore(database);
  const hours = createAuditHourStore(database);
  const checks = createAuditCheckStore(database);
  const pruning = createAuditPruning({ ...deps, rows, hours });
  const search = createAuditSearchStore(database);
  const people = createAuditPeopleStore(database);
  return {
    rows,
    hours,
    keeper: createAuditKeeper({ ...deps, rows, checks, pruning }),
    exportWatch: createExportWatch(deps.audit),
    refusalWatch: createRefusalWatch(deps),
    routes: { ...deps, rows, search, people, checks },
  };
}
