import { counter, gauge, type Metric, samplesBy } from '../http/metrics.ts';
import type { BanGate } from './ban-gate.ts';
import type { BanHits } from './ban-hits.ts';
import type { BanIndex } from './ban-index.ts';
import type { OffenceThrottle } from './offence-throttle.ts';

export interface BanMetricsDeps {
  readonly banIndex: Pick<BanIndex, 'countActive'>;
  readonly gate: Pick<BanGate, 'countRefused' | 'countPassed'>;
  readonly hits: Pick<BanHits, 'counted' | 'lost'>;
  readonly throttle: Pick<OffenceThrottle, 'countThrottled'>;
}

export function createBanMetrics({ banIndex, gate, hits, throttle }: BanMetricsDeps): readonly Metric[] {
  return [
    gauge({ name: 'curfew_bans_active', help: 'Addresses that are banned.', read: banIndex.countActive }),
    counter({
      name: 'curfew_banned_requests_total',
      help: 'Requests that this node refused because their address is banned.',
      read: gate.countRefused,
    }),
    counter({
      name: 'curfew_banned_passed_total',
      help: 'Requests from banned addresses that this node let in: with a live session, a good API key or a webhook.',
      read: gate.countPassed,
    }),
    counter({
      name: 'curfew_offences_throttled_total',
      help: 'Wrong API keys and suspicious paths that were answered with 429: from addresses that people sign in from.',
      read: throttle.countThrottled,
    }),
    counter({
      name: 'curfew_ban_hits_total',
      help: 'Requests that count towards a ban, by what they did.',
      labelNames: ['cause'],
      read: () => samplesBy('cause', hits.counted),
    }),
    counter({
      name: 'curfew_ban_hits_lost_total',
      help: 'Those of them that were not counted: a flood of addresses, or the database was away.',
      read: hits.lost,
    }),
  ];
}
