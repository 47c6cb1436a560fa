import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import type { Metric, MetricSource } from '../http/metrics.ts';
import type { Caches } from '../storage/caches.ts';
import type { BrokerAdapters } from './broker-adapter.ts';
import type { DeadLetterStore } from './dead-letter-store.ts';
import type { TokenStore } from './token-store.ts';

export interface BrokerMetricsDeps {
  readonly caches: Caches;
  readonly tokens: Pick<TokenStore, 'countAlive'>;
  readonly deadLetters: Pick<DeadLetterStore, 'count'>;
  readonly adapters: BrokerAdapters;
  readonly calendar: CutoffCalendar;
  readonly clock: Clock;
}

/** How well the caches in front of the tokens work on this node; and, of all nodes together, connections and logouts. */
export function createBrokerMetrics(deps: BrokerMetricsDeps): MetricSource {
  const { caches, tokens, deadLetters, adapters, calendar, clock } = deps;

  return async function brokerMetrics() {
    const alive = await tokens.countAlive({ now: clock.now(), lastCutoff: calendar.last() });
    const logouts = await deadLetters.count();
    return [
      lookups(caches),
      {
        name: 'curfew_broker_connections',
        help: 'Connections to brokers that can be used now.',
        type: 'gauge',
        samples: [...adapters.keys()].map((broker) => ({
          labels: { broker },
          value: alive.get(broker) ?? 0,
        })),
      },
      {
        name: 'curfew_broker_logouts',
        help: 'Logouts that brokers have not been told of: still open, or given up (dead).',
        type: 'gauge',
        samples: [
          { labels: { status: 'open' }, value: logouts.open },
          { labels: { status: 'dead' }, value: logouts.dead },
        ],
      },
    ];
  };
}

function lookups({ of }: Caches): Metric {
  return {
    name: 'curfew_cache_lookups_total',
    help: 'Lookups in the caches in front of the broker tokens, on this node.',
    type: 'counter',
    samples: (['auth', 'feed'] as const).flatMap((cache) => [
      { labels: { cache, result: 'hit' }, value: of[cache].lookups.hits },
      { labels: { cache, result: 'miss' }, value: of[cache].lookups.misses },
    ]),
  };
}
