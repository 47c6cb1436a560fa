import type { MetricSource } from '../../http/metrics.ts';
import type { BanBook } from './ban-book.ts';
import type { BanGate } from './ban-gate.ts';
import type { BanHits } from './ban-hits.ts';

export interface BanMetricsDeps {
  readonly book: Pick<BanBook, 'countActive'>;
  readonly gate: Pick<BanGate, 'countRefused'>;
  readonly hits: Pick<BanHits, 'counted' | 'lost'>;
}

export function createBanMetrics({ book, gate, hits }: BanMetricsDeps): MetricSource {
  return () => [
    {
      name: 'curfew_bans_active',
      help: 'Addresses that are banned.',
      type: 'gauge',
      samples: [{ labels: {}, value: book.countActive() }],
    },
    {
      name: 'curfew_banned_requests_total',
      help: 'Requests that this node refused because their address is banned.',
      type: 'counter',
      samples: [{ labels: {}, value: gate.countRefused() }],
    },
    {
      name: 'curfew_ban_hits_total',
      help: 'Requests that count towards a ban, by what they did.',
      type: 'counter',
      samples: [...hits.counted].map(([cause, value]) => ({ labels: { cause }, value })),
    },
    {
      name: 'curfew_ban_hits_lost_total',
      help: 'Those of them that were not counted: a flood of addresses, or the database was away.',
      type: 'counter',
      samples: [{ labels: {}, value: hits.lost() }],
    },
  ];
}
