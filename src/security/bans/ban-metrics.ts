import type { MetricSource } from '../../http/metrics.ts';
import type { BanBook } from './ban-book.ts';
import type { BanGate } from './ban-gate.ts';
import type { BanHits } from './ban-hits.ts';
import type { OffenceThrottle } from './offence-throttle.ts';

export interface BanMetricsDeps {
  readonly book: Pick<BanBook, 'countActive'>;
  readonly gate: Pick<BanGate, 'countRefused' | 'countPassed'>;
  readonly hits: Pick<BanHits, 'counted' | 'lost'>;
  readonly throttle: Pick<OffenceThrottle, 'countThrottled'>;
}

export function createBanMetrics({ book, gate, hits, throttle }: BanMetricsDeps): MetricSource {
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
      name: 'curfew_banned_passed_total',
      help: 'Requests from banned addresses that this node let in: with a live session, a good API key or a webhook.',
      type: 'counter',
      samples: [{ labels: {}, value: gate.countPassed() }],
    },
    {
      name: 'curfew_offences_throttled_total',
      help: 'Wrong API keys and suspicious paths that were answered with 429: from addresses that people sign in from.',
      type: 'counter',
      samples: [{ labels: {}, value: throttle.countThrottled() }],
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
