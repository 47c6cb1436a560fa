import type { Clock } from './clock.ts';
import { HOUR_MS } from './duration.ts';

/** So many of each key in an hour. */
export interface HourlyQuota {
  /** False where the key, or all keys together, had as many in this hour. */
  take(key: string): boolean;
}

export interface HourlyQuotaDeps {
  readonly clock: Clock;
  readonly most: number;
  /** Of all keys together: strangers can bring as many keys as they like. */
  readonly mostInAll?: number;
}

const MOST_IN_ALL = 10_000;

/** For what is written into a log that is kept for years. */
export function createHourlyQuota({ clock, most, mostInAll = MOST_IN_ALL }: HourlyQuotaDeps): HourlyQuota {
  let hour = Number.NaN;
  let counts = new Map<string, number>();
  let all = 0;

  return {
    take(key) {
      const now = Math.floor(clock.now() / HOUR_MS);
      if (now !== hour) {
        hour = now;
        counts = new Map();
        all = 0;
      }
      const count = counts.get(key) ?? 0;
      if (count >= most || all >= mostInAll) return false;
      counts.set(key, count + 1);
      all += 1;
      return true;
    },
  };
}
