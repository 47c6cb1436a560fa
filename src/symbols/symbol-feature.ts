import type { AuditLog } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { FindTradedSymbol, SymbolFinder, SymbolLookup } from '../core/symbol.ts';
import type { Feature } from '../http/feature.ts';
import { gauge, type Metric } from '../http/metrics.ts';
import type { InvalidateCached } from '../storage/cache-invalidator.ts';
import { type Caches, SHARED } from '../storage/caches.ts';
import type { Database } from '../storage/database.ts';
import { createImportStore, type ImportStore } from './import-store.ts';
import { createPostgresSymbolIndex } from './postgres-symbol-store.ts';
import { createSymbolRouter } from './routes.ts';
import { createSqliteSymbolIndex } from './sqlite-symbol-store.ts';
import { createSymbolFinder } from './symbol-finder.ts';
import { createSymbolImporter, type SymbolImporter } from './symbol-importer.ts';
import { createSymbolKeeper, type SymbolKeeper } from './symbol-keeper.ts';
import { createSymbolLookup } from './symbol-lookup.ts';
import { createSymbolStore, type SymbolStore } from './symbol-store.ts';
import { createFindTradedSymbol } from './traded-symbol.ts';

export interface SymbolFeatureDeps {
  readonly database: Database;
  readonly caches: Caches;
  readonly invalidateCached: InvalidateCached;
  readonly clock: Clock;
  readonly audit: AuditLog;
  readonly log: Log;
}

export interface SymbolFeature extends Feature, SymbolLookup, SymbolFinder {
  readonly findTraded: FindTradedSymbol;
  readonly importer: SymbolImporter;
  readonly imports: ImportStore;
  readonly listMasters: SymbolStore['listMasters'];
  readonly keeper: SymbolKeeper;
}

/** The whole feature, wired. Opens nothing and starts nothing. */
export function createSymbolFeature(deps: SymbolFeatureDeps): SymbolFeature {
  const { database, caches, invalidateCached, clock, log } = deps;
  const index =
    database.dialect === 'sqlite' ? createSqliteSymbolIndex(database) : createPostgresSymbolIndex(database);
  const store = createSymbolStore(database, index);
  const imports = createImportStore(database, index);
  const importer = createSymbolImporter({
    ...deps,
    imports,
    index,
    acting: database.acting,
    forgetSymbols: () => invalidateCached('symbol', SHARED),
  });
  const { find } = createSymbolLookup({ store, caches });
  const { search } = createSymbolFinder({ store });
  const { listMasters } = store;
  const keeper = createSymbolKeeper({ importer, store, imports, index, caches, clock, log });

  return {
    find,
    findTraded: createFindTradedSymbol({ find, listMasters, caches }),
    search,
    importer,
    imports,
    listMasters,
    keeper,
    jobs: [keeper],
    metrics: createSymbolMetrics(store),
    router: createSymbolRouter({ search, listMasters, imports, importer }),
  };
}

/** How large and how old the masters are, so that a morning without an import is noticed. */
function createSymbolMetrics({ listMasters }: Pick<SymbolStore, 'listMasters'>): readonly Metric[] {
  return [
    gauge({
      name: 'curfew_symbols',
      help: 'Instruments in the masters that are in use.',
      labelNames: ['broker'],
      read: async () =>
        (await listMasters()).map(({ broker, firstId, lastId }) => ({
          labels: { broker },
          value: lastId - firstId + 1,
        })),
    }),
    gauge({
      name: 'curfew_symbols_imported_timestamp_seconds',
      help: 'When they were imported.',
      labelNames: ['broker'],
      read: async () =>
        (await listMasters()).map(({ broker, importedAt }) => ({
          labels: { broker },
          value: importedAt / 1000,
        })),
    }),
  ];
}
