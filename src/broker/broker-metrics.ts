import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import { counter, gauge, type Metric, samplesBy } from '../http/metrics.ts';
import type { BrokerAdapters } from './broker-adapter.ts';
import type { FailedLogoutStore } from './failed-logout-store.ts';
import type { TokenRefresher } from './token-refresher.ts';
import type { TokenStore } from './token-store.ts';

export interface BrokerMetricsDeps {
  readonly tokens: Pick<TokenStore, 'countAlive'>;
  readonly failedLogouts: Pick<FailedLogoutStore, 'count'>;
  readonly refresher: Pick<TokenRefresher, 'counted'>;
  readonly adapters: BrokerAdapters;
  readonly calendar: Pick<CutoffCalendar, 'last'>;
  readonly clock: Clock;
}

/** Of all nodes together: connections to brokers, and logouts that they were not told of yet. */
export function createBrokerMetrics(deps: BrokerMetricsDeps): readonly Metric[] {
  const { tokens, failedLogouts, refresher, adapters, calendar, clock } = deps;
  return [
    gauge({
      name: 'curfew_broker_connections',
      help: 'Connections to brokers that can be used now.',
      labelNames: ['broker'],
      async read() {
        const alive = await tokens.countAlive({ now: clock.now(), lastCutoff: calendar.last() });
        return [...adapters.keys()].map((broker) => ({ labels: { broker }, value: alive.get(broker) ?? 0 }));
      },
    }),
    gauge({
      name: 'curfew_broker_logouts',
      help: 'Logouts that brokers have not been told of: still to be tried (open), or failed for good (dead).',
      labelNames: ['status'],
      read: async () => samplesBy('status', Object.entries(await failedLogouts.count())),
    }),
    counter({
      name: 'curfew_broker_token_refreshes_total',
      help: 'Access tokens that this node asked brokers to renew, by what became of it.',
      labelNames: ['outcome'],
      read: () => samplesBy('outcome', Object.entries(refresher.counted)),
    }),
  ];
}
