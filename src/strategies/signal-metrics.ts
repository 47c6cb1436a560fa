import { SIGNAL_REFUSALS, type SignalRefusal } from '../core/signal-refusal.ts';
import { counter, gauge, type Metric, type Sample } from '../http/metrics.ts';

/** Outcomes of the signals that came to this node since it started. */
export interface SignalCounts {
  accepted(): void;
  duplicate(): void;
  rateLimited(): void;
  refused(why: SignalRefusal): void;
  samples(): readonly Sample[];
}

export function createSignalCounts(): SignalCounts {
  const outcomes = { accepted: 0, duplicate: 0, rate_limited: 0 };
  const refusals = new Map<SignalRefusal, number>(SIGNAL_REFUSALS.map((why) => [why, 0]));

  return {
    accepted() {
      outcomes.accepted += 1;
    },
    duplicate() {
      outcomes.duplicate += 1;
    },
    rateLimited() {
      outcomes.rate_limited += 1;
    },
    refused(why) {
      refusals.set(why, (refusals.get(why) ?? 0) + 1);
    },
    samples: () => [
      ...Object.entries(outcomes).map(([outcome, value]) => ({ labels: { outcome, reason: '' }, value })),
      ...[...refusals].map(([reason, value]) => ({ labels: { outcome: 'refused', reason }, value })),
    ],
  };
}

/** Signals of this node by what became of them, and the requests that wait for some. */
export function createSignalMetrics(counts: SignalCounts, countWaiting: () => number): readonly Metric[] {
  return [
    counter({
      name: 'curfew_signals_total',
      help: 'Signals that came to webhooks of this node, by what became of them and why.',
      labelNames: ['outcome', 'reason'],
      read: counts.samples,
    }),
    gauge({
      name: 'curfew_signal_requests_waiting',
      help: 'Requests of API clients on this node that wait for a signal.',
      read: countWaiting,
    }),
  ];
}
