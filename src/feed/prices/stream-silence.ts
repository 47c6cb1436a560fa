import type { Clock } from '../../core/clock.ts';
import { MINUTE_MS, SECOND_MS } from '../../core/duration.ts';

/** How long a price stream has said nothing. */
export interface StreamSilence {
  /** The stream is open: from here on it may speak. */
  begin(): void;
  /** Something was subscribed to: the broker answers with its last price. */
  subscribed(): void;
  heard(): void;
  /** Longer than a stream that works is silent while its exchange trades. */
  isTooLong(): boolean;
  /** It was taken for a fault: the next one is taken for it after twice the time. */
  noteFault(): void;
}

const SILENT_AFTER_MS = 30 * SECOND_MS;
const LONGEST_SILENCE_MS = 10 * MINUTE_MS;
/** Brokers answer a subscription with the last price, whether the exchange trades or not: until then it is no sign of life. */
const SETTLED_MS = 5 * SECOND_MS;

export function createStreamSilence(clock: Clock): StreamSilence {
  let silentAfterMs = SILENT_AFTER_MS;
  let heardAt = clock.now();
  let settledAt = heardAt;

  function subscribed(): void {
    settledAt = clock.now() + SETTLED_MS;
  }

  return {
    begin() {
      heardAt = clock.now();
      subscribed();
    },
    subscribed,
    heard() {
      heardAt = clock.now();
      if (heardAt >= settledAt) silentAfterMs = SILENT_AFTER_MS;
    },
    isTooLong: () => clock.now() - heardAt >= silentAfterMs,
    noteFault() {
      silentAfterMs = Math.min(LONGEST_SILENCE_MS, silentAfterMs * 2);
      heardAt = clock.now();
    },
  };
}
