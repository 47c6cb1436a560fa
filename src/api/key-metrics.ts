import type { Metric, MetricSource } from '../http/metrics.ts';
import type { InvalidKeyAttempt } from './key-gate.ts';
import type { KeyVerifier, WhyBadKey } from './key-verifier.ts';

/** Counts the keys that were refused, and shows it with what the verifier remembers. */
export interface KeyMetrics {
  count(attempt: InvalidKeyAttempt): void;
  readonly source: MetricSource;
}

export function createKeyMetrics(verifier: Pick<KeyVerifier, 'size'>): KeyMetrics {
  const refused = new Map<WhyBadKey, number>();
  return {
    count({ why }) {
      refused.set(why, (refused.get(why) ?? 0) + 1);
    },
    source: () => [
      {
        name: 'curfew_api_keys_refused_total',
        help: 'Requests with an API key that was not good, by what was wrong with it.',
        type: 'counter',
        samples: [...refused].map(([why, value]) => ({ labels: { why }, value })),
      } satisfies Metric,
      {
        name: 'curfew_api_keys_remembered',
        help: 'API keys that this process need not check with Argon2 again.',
        type: 'gauge',
        samples: [{ labels: {}, value: verifier.size }],
      } satisfies Metric,
    ],
  };
}
