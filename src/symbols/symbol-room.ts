import type { AuditLog } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { SymbolFinder, SymbolLookup } from '../core/symbol.ts';
import type { MetricSource } from '../http/metrics.ts';
import type { ForgetCached } from '../storage/cache-forgetter.ts';
import { type Caches, SHARED } from '../storage/caches.ts';
import type { Database } from '../storage/database.ts';
import { createImportStore } from './import-store.ts';
import { createLeftoverRemoval } from './leftover-removal.ts';
import { createMasterWatch } from './master-watch.ts';
import { createPostgresSymbolIndex } from './postgres-symbol-store.ts';
import type { SymbolRouterDeps } from './routes.ts';
import { createSqliteSymbolIndex } from './sqlite-symbol-store.ts';
import { createSymbolFinder } from './symbol-finder.ts';
import { createSymbolImporter, type SymbolImporter } from './symbol-importer.ts';
import { createSymbolKeeper, type SymbolKeeper } from './symbol-keeper.ts';
import { createSymbolLookup } from './symbol-lookup.ts';
import { createSymbolMetrics } from './symbol-metrics.ts';
import { createSymbolStore } from './symbol-store.ts';

export interface SymbolRoomDeps {
  readonly database: Database;
  readonly caches: Caches;
  readonly forgetCached: ForgetCached;
  readonly clock: Clock;
  readonly audit: AuditLog;
  readonly log: Log;
}

export interface SymbolRoom extends SymbolLookup, SymbolFinder {
  readonly importer: SymbolImporter;
  /** To be started once the server listens, and stopped when it closes. */
  readonly keeper: SymbolKeeper;
  readonly metrics: MetricSource;
  /** What the router takes besides who may see what. */
  readonly routes: SymbolRouterDeps;
}

/** The whole room, wired. Opens nothing and starts nothing. */
export function createSymbolRoom(deps: SymbolRoomDeps): SymbolRoom {
  const { database, caches, forgetCached, clock, log } = deps;
  const index =
    database.dialect === 'sqlite' ? createSqliteSymbolIndex(database) : createPostgresSymbolIndex(database);
  const store = createSymbolStore(database, index);
  const imports = createImportStore(database, index);
  const importer = createSymbolImporter({
    ...deps,
    imports,
    index,
    acting: database.acting,
    forgetSymbols: () => forgetCached('symbol', SHARED),
  });
  const { search } = createSymbolFinder({ store });

  return {
    find: createSymbolLookup({ store, caches }).find,
    search,
    importer,
    keeper: createSymbolKeeper({
      importer,
      watchMasters: createMasterWatch({ store, caches }),
      removeLeftovers: createLeftoverRemoval({ imports, index, clock }),
      log,
    }),
    metrics: createSymbolMetrics(store),
    routes: { search, listMasters: store.listMasters, imports, importer },
  };
}
