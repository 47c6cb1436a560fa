import { counter, gauge, type Metric } from '../http/metrics.ts';
import { CACHE_NAMES, type Caches } from '../storage/caches.ts';

/** How well the six caches of this node work, and how full they are. */
export function createCacheMetrics(caches: Caches): readonly Metric[] {
  return [
    counter({
      name: 'curfew_cache_lookups_total',
      help: 'Lookups in the caches, on this node.',
      labelNames: ['cache', 'result'],
      read: () =>
        CACHE_NAMES.flatMap((cache) => [
          { labels: { cache, result: 'hit' }, value: caches.of[cache].lookups.hits },
          { labels: { cache, result: 'miss' }, value: caches.of[cache].lookups.misses },
        ]),
    }),
    gauge({
      name: 'curfew_cache_entries',
      help: 'Entries in the caches, on this node.',
      labelNames: ['cache'],
      read: () => CACHE_NAMES.map((cache) => ({ labels: { cache }, value: caches.of[cache].size })),
    }),
  ];
}
