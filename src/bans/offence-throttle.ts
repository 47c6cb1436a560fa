import { LRUCache } from 'lru-cache';
import { atMost } from '../core/at-most.ts';
import type { BanCause } from '../core/ban-policy.ts';
import type { Clock } from '../core/clock.ts';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../core/duration.ts';
import type { Log } from '../core/log.ts';

/** Slows down offences from addresses that people are signed in from, and nothing else that comes from there. */
export interface OffenceThrottle {
  /** For a minute from now. */
  begin(cause: BanCause, subject: string): void;
  /** Until the next offence is judged; undefined where none is held up. Counts the one that asks. */
  takeWait(cause: BanCause, subject: string): number | undefined;
  /** Since the process started. */
  countThrottled(): number;
}

export const THROTTLED_MS = MINUTE_MS;
const MOST_THROTTLED = 10_000;

/** In this process: another node sees for itself, at the next offence that reaches it. */
export function createOffenceThrottle({ clock, log }: { clock: Clock; log: Log }): OffenceThrottle {
  const ends = new LRUCache<string, number>(atMost(MOST_THROTTLED));
  let throttled = 0;

  return {
    begin(cause, subject) {
      const key = `${cause} ${subject}`;
      const now = clock.now();
      const before = ends.get(key);
      ends.set(key, now + THROTTLED_MS);
      if (before === undefined || now - before >= HOUR_MS)
        log.warn(
          { address: subject, cause },
          'An address that people sign in from is slowed down, not banned',
        );
    },
    takeWait(cause, subject) {
      const left = (ends.get(`${cause} ${subject}`) ?? 0) - clock.now();
      if (left <= 0) return undefined;
      throttled += 1;
      // A clock that was put back must not make it longer.
      return Math.ceil(Math.min(left, THROTTLED_MS) / SECOND_MS);
    },
    countThrottled: () => throttled,
  };
}
