import type { Clock } from '../core/clock.ts';
import { SECOND_MS } from '../core/duration.ts';
import { gauge, type Metric } from '../http/metrics.ts';
import type { PendingRevocationStore } from './pending-revocation-store.ts';

/** Pending revocations of all nodes together. Anything above 0 for longer than a minute wants a look at the log. */
export function createRevocationMetrics(
  pendingRevocations: Pick<PendingRevocationStore, 'summary'>,
  clock: Clock,
): readonly Metric[] {
  return [
    gauge({
      name: 'curfew_revocations_waiting',
      help: 'Revocations that were asked for and are not carried out in full yet.',
      read: async () => (await pendingRevocations.summary()).waiting,
    }),
    gauge({
      name: 'curfew_revocations_oldest_waiting_seconds',
      help: 'For how long the oldest of them has waited; 0 where none waits.',
      async read() {
        const { oldestOrderedAt } = await pendingRevocations.summary();
        const ageMs = oldestOrderedAt === undefined ? 0 : clock.now() - oldestOrderedAt;
        return Math.max(0, Math.round(ageMs / SECOND_MS));
      },
    }),
  ];
}
