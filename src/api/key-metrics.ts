import { counter, gauge, type Metric, samplesBy } from '../http/metrics.ts';
import type { InvalidKeyAttempt } from './key-gate.ts';
import type { KeyVerifier, WhyBadKey } from './key-verifier.ts';

/** Counts the keys that were refused, and shows it with what the verifier remembers. */
export interface KeyMetrics {
  count(attempt: InvalidKeyAttempt): void;
  readonly metrics: readonly Metric[];
}

export function createKeyMetrics(verifier: Pick<KeyVerifier, 'size'>): KeyMetrics {
  const refused = new Map<WhyBadKey, number>();
  return {
    count({ why }) {
      refused.set(why, (refused.get(why) ?? 0) + 1);
    },
    metrics: [
      counter({
        name: 'curfew_api_keys_refused_total',
        help: 'Requests with an API key that was not good, by what was wrong with it.',
        labelNames: ['why'],
        read: () => samplesBy('why', refused),
      }),
      gauge({
        name: 'curfew_api_keys_remembered',
        help: 'API keys that this process need not check with Argon2 again.',
        read: () => verifier.size,
      }),
    ],
  };
}
