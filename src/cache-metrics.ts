import type { MetricSource } from './http/metrics.ts';
import { CACHE_NAMES, type Caches } from './storage/caches.ts';

/** How well the six caches of this node work, and how full they are. */
export function createCacheMetrics(caches: Caches): MetricSource {
  return () => [
    {
      name: 'curfew_cache_lookups_total',
      help: 'Lookups in the caches, on this node.',
      type: 'counter',
      samples: CACHE_NAMES.flatMap((cache) => [
        { labels: { cache, result: 'hit' }, value: caches.of[cache].lookups.hits },
        { labels: { cache, result: 'miss' }, value: caches.of[cache].lookups.misses },
      ]),
    },
    {
      name: 'curfew_cache_entries',
      help: 'Entries in the caches, on this node.',
      type: 'gauge',
      samples: CACHE_NAMES.map((cache) => ({ labels: { cache }, value: caches.of[cache].size })),
    },
  ];
}
