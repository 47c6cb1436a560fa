import { DateTime } from 'luxon';
import type { Clock } from './clock.ts';
import { isPastCutoff } from './expiry.ts';

/** The exchanges' wall clock. India has one zone and no daylight saving time. */
export const MARKET_ZONE = 'Asia/Kolkata';

/** A wall time in Asia/Kolkata, or `off` for markets that never close. */
export type CutoffTime = { readonly hour: number; readonly minute: number } | 'off';

/** Reads `03:00` (24-hour clock, both digits) or `off`; undefined for anything else. */
export function parseCutoffTime(text: string): CutoffTime | undefined {
  const trimmed = text.trim();
  if (trimmed.toLowerCase() === 'off') return 'off';
  const match = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(trimmed);
  if (match === null) return undefined;
  return { hour: Number(match[1]), minute: Number(match[2]) };
}

export function formatCutoffTime(time: CutoffTime): string {
  if (time === 'off') return 'off';
  return `${String(time.hour).padStart(2, '0')}:${String(time.minute).padStart(2, '0')}`;
}

/**
 * The latest instant at or before `now` whose wall time in Asia/Kolkata is `time`.
 * Both are milliseconds since the epoch. `off` has no cutoff: -Infinity.
 */
export function lastCutoff(now: number, time: CutoffTime): number {
  if (time === 'off') return Number.NEGATIVE_INFINITY;
  const today = cutoffOnDayOf(now, time);
  return (today.toMillis() <= now ? today : today.minus({ days: 1 })).toMillis();
}

/** The first instant after `now` whose wall time in Asia/Kolkata is `time`; Infinity when `off`. */
export function nextCutoff(now: number, time: CutoffTime): number {
  if (time === 'off') return Number.POSITIVE_INFINITY;
  const today = cutoffOnDayOf(now, time);
  return (today.toMillis() > now ? today : today.plus({ days: 1 })).toMillis();
}

function cutoffOnDayOf(now: number, time: Exclude<CutoffTime, 'off'>): DateTime {
  return DateTime.fromMillis(now, { zone: MARKET_ZONE }).set({ ...time, second: 0, millisecond: 0 });
}

/** Answers from two remembered numbers, so that a request pays a comparison and not a calendar. */
export interface CutoffCalendar {
  /** The cutoff that `now` lies behind, in ms since the epoch; -Infinity when off. */
  last(): number;
  /** The cutoff that `now` runs towards, in ms since the epoch; Infinity when off. */
  next(): number;
  /** Whether what began at `loginTime` (ms since the epoch) no longer counts now: see `isPastCutoff`. */
  isPast(loginTime: number): boolean;
}

export interface CutoffCalendarDeps {
  readonly clock: Clock;
  /** The setting in force; a new object or value when it was changed. */
  readonly cutoffTime: () => CutoffTime;
  /** Called once for each computation: a counter for tests and metrics. */
  readonly onCompute?: () => void;
}

/** luxon is asked once per cutoff, and again when the setting or the clock leaves the remembered day. */
export function createCutoffCalendar({ clock, cutoffTime, onCompute }: CutoffCalendarDeps): CutoffCalendar {
  let time: CutoffTime | undefined;
  let last = Number.NaN;
  let next = Number.NaN;

  function refresh(): void {
    const now = clock.now();
    const wanted = cutoffTime();
    if (wanted === time && now >= last && now < next) return;
    onCompute?.();
    time = wanted;
    last = lastCutoff(now, wanted);
    next = nextCutoff(now, wanted);
  }

  return {
    last() {
      refresh();
      return last;
    },
    next() {
      refresh();
      return next;
    },
    isPast(loginTime) {
      refresh();
      return isPastCutoff(loginTime, clock.now(), last);
    },
  };
}
