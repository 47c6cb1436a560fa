import { DAY_MS, HOUR_MS } from '../../core/duration.ts';
import { formatIst, startOfIstDay, startOfIstHour, toIstIso } from '../../core/ist.ts';

/** One bar's worth of time: `from` counts, `to` does not. Milliseconds since the epoch. */
export interface Bucket {
  readonly from: number;
  readonly to: number;
  /** Under the axis: `15:00`, `14 Nov`. */
  readonly label: string;
  /** Whether there is room under the axis for its label. */
  readonly isLabelled: boolean;
  /** `Sat 14 Nov, 15:00 to 16:00`, `Sat 14 Nov`. */
  readonly name: string;
}

/** Time cut into hours or days of an Indian clock. The last one is running and not over. */
export interface Period {
  readonly unit: 'hour' | 'day';
  readonly buckets: readonly Bucket[];
}

const HOURS = 24;
const DAYS = 30;
const LABEL_EVERY_HOURS = 6;
const LABEL_EVERY_DAYS = 7;

/** The running hour and the 23 before it. */
export function lastHours(now: number): Period {
  const first = startOfIstHour(now) - (HOURS - 1) * HOUR_MS;
  const buckets = Array.from({ length: HOURS }, (_, index) => {
    const from = first + index * HOUR_MS;
    const to = from + HOUR_MS;
    const label = timeOfDay(from);
    const isLabelled = ((from - startOfIstDay(from)) / HOUR_MS) % LABEL_EVERY_HOURS === 0;
    return { from, to, label, isLabelled, name: `${dayName(from)}, ${label} to ${timeOfDay(to)}` };
  });
  return { unit: 'hour', buckets };
}

/** Today and the 29 days before it. */
export function lastDays(now: number): Period {
  const first = startOfIstDay(now) - (DAYS - 1) * DAY_MS;
  const buckets = Array.from({ length: DAYS }, (_, index) => {
    const from = first + index * DAY_MS;
    const name = dayName(from);
    const isLabelled = (DAYS - 1 - index) % LABEL_EVERY_DAYS === 0;
    return { from, to: from + DAY_MS, label: name.slice(4), isLabelled, name };
  });
  return { unit: 'day', buckets };
}

/** The place of the bucket that an instant lies in; -1 outside of the period. */
export function bucketIndex({ buckets }: Period, instant: number): number {
  const [first] = buckets;
  const last = buckets.at(-1);
  if (first === undefined || last === undefined || instant < first.from || instant >= last.to) return -1;
  return Math.floor((instant - first.from) / (first.to - first.from));
}

const timeOfDay = (instant: number): string => toIstIso(instant).slice(11, 16);

/** `Sat 14 Nov`. */
const dayName = (instant: number): string => formatIst(instant).split(' ').slice(0, 3).join(' ');
