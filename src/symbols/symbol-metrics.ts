import { gauge, type Metric } from '../http/metrics.ts';
import type { SymbolStore } from './symbol-store.ts';

/** How large and how old the masters are, so that a morning without an import is noticed. */
export function createSymbolMetrics({ listMasters }: Pick<SymbolStore, 'listMasters'>): readonly Metric[] {
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
