import type { Clock } from '../core/clock.ts';
import { SECOND_MS } from '../core/duration.ts';
import type { MetricSource } from '../http/metrics.ts';
import type { WaitingOrderStore } from './waiting-order-store.ts';

/** What is still to be ended, of all nodes together. Anything above 0 for longer than a minute wants a look at the log. */
export function createRevocationMetrics(
  waitingOrders: Pick<WaitingOrderStore, 'summary'>,
  clock: Clock,
): MetricSource {
  return async function revocationMetrics() {
    const { waiting, oldestOrderedAt } = await waitingOrders.summary();
    const ageSeconds = oldestOrderedAt === undefined ? 0 : (clock.now() - oldestOrderedAt) / SECOND_MS;
    return [
      {
        name: 'curfew_revocations_waiting',
        help: 'Revocations that were asked for and are not carried out in full yet.',
        type: 'gauge',
        samples: [{ labels: {}, value: waiting }],
      },
      {
        name: 'curfew_revocations_oldest_waiting_seconds',
        help: 'For how long the oldest of them has waited; 0 where none waits.',
        type: 'gauge',
        samples: [{ labels: {}, value: Math.max(0, Math.round(ageSeconds)) }],
      },
    ];
  };
}
