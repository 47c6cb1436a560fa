import type { CutoffTime } from '../../src/core/cutoff.ts';
import { CLOCK_SKEW_TOLERANCE_MS } from '../../src/core/expiry.ts';

const DAY_MS = 86_400_000;
const IST_AHEAD_OF_UTC_MS = 19_800_000;

/** Every cutoff in `[from, to]`, day after day, by adding +05:30 and nothing else: no calendar, no zone of the machine. */
export function cutoffsBetween(from: number, to: number, time: CutoffTime): readonly number[] {
  if (time === 'off') return [];
  const cutoffs: number[] = [];
  const firstDay = Math.floor((from + IST_AHEAD_OF_UTC_MS) / DAY_MS) - 1;
  const lastDay = Math.floor((to + IST_AHEAD_OF_UTC_MS) / DAY_MS) + 1;
  for (let day = firstDay; day <= lastDay; day += 1) {
    const cutoff = day * DAY_MS + (time.hour * 60 + time.minute) * 60_000 - IST_AHEAD_OF_UTC_MS;
    if (cutoff >= from && cutoff <= to) cutoffs.push(cutoff);
  }
  return cutoffs;
}

/** A login is expired when some cutoff came after it and has come by now; or when it has not happened yet. */
export function isExpiredByTheDays(login: number, now: number, time: CutoffTime): boolean {
  if (login > now + CLOCK_SKEW_TOLERANCE_MS) return true;
  return cutoffsBetween(login + 1, now, time).length > 0;
}
