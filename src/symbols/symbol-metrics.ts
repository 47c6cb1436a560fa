import type { MetricSource } from '../http/metrics.ts';
import type { SymbolStore } from './symbol-store.ts';

/** How large and how old the masters are, so that somebody notices a morning on which none was imported. */
export function createSymbolMetrics({ listMasters }: Pick<SymbolStore, 'listMasters'>): MetricSource {
  return async function symbolMetrics() {
    const masters = await listMasters();
    return [
      {
        name: 'curfew_symbols',
        help: 'Instruments in the masters that are in use.',
        type: 'gauge',
        samples: masters.map(({ broker, firstId, lastId }) => ({
          labels: { broker },
          value: lastId - firstId + 1,
        })),
      },
      {
        name: 'curfew_symbols_imported_timestamp_seconds',
        help: 'When they were imported.',
        type: 'gauge',
        samples: masters.map(({ broker, importedAt }) => ({ labels: { broker }, value: importedAt / 1000 })),
      },
    ];
  };
}
