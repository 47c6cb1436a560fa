import { istWallTime, type Weekday } from '../core/ist.ts';
import type { TradingWindow } from '../core/signal.ts';

/** When a strategy takes signals, in minutes since the Indian midnight; half-open. */
export interface TradingHours {
  readonly days: readonly Weekday[];
  readonly opensAt: number;
  /** Later than `opensAt`; at most 24 * 60. */
  readonly closesAt: number;
}

const MINUTES_A_DAY = 24 * 60;

/** Whether the hours include an instant, in ms since the epoch. A signal at the very minute of the end is late. */
export function isWithin({ days, opensAt, closesAt }: TradingHours, instant: number): boolean {
  const { day, minuteOfDay } = istWallTime(instant);
  return days.includes(day) && minuteOfDay >= opensAt && minuteOfDay < closesAt;
}

/** Minutes since midnight of `HH:MM`; undefined for anything else. */
export function parseTimeOfDay(text: string): number | undefined {
  const match = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text);
  return match === null ? undefined : Number(match[1]) * 60 + Number(match[2]);
}

/** The same for an end: 00:00 and 24:00 are the midnight after the day. */
export function parseEndOfDay(text: string): number | undefined {
  if (text === '24:00') return MINUTES_A_DAY;
  const minutes = parseTimeOfDay(text);
  return minutes === 0 ? MINUTES_A_DAY : minutes;
}

export function toTradingWindow({ days, opensAt, closesAt }: TradingHours): TradingWindow {
  return { days, start: formatTimeOfDay(opensAt), end: formatTimeOfDay(closesAt) };
}

/** `HH:MM`; the end of a day is 24:00. */
export function formatTimeOfDay(minutes: number): string {
  return `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
}
