import { DAY_MS, HOUR_MS, MINUTE_MS } from './duration.ts';

/**
 * Indian time has been UTC+05:30 without daylight saving since 1945, so writing it down needs no calendar library: a page
 * shows a dozen times, and luxon's formatting took longer than all the rest of it.
 */
const IST_OFFSET_MS = 5 * HOUR_MS + 30 * MINUTE_MS;

/** As the trading windows of strategies name the days. */
export const WEEKDAY_NAMES = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
export type Weekday = (typeof WEEKDAY_NAMES)[number];

const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;

/** ISO 8601 with the market's offset, e.g. `2026-11-20T09:15:00.000+05:30`; how a session's `loginTime` is written. */
export function toIstIso(instant: number): string {
  return new Date(instant + IST_OFFSET_MS).toISOString().replace('Z', '+05:30');
}

/** Milliseconds since the epoch of an ISO 8601 text with an offset; NaN when it is not one. */
export function fromIso(text: string): number {
  return Date.parse(text);
}

/** `Fri 20 Nov 2026`, `20/11/2026` or `2026-11-20`. */
export const DATE_FORMATS = ['words', 'numbers', 'iso'] as const;
export type DateFormat = (typeof DATE_FORMATS)[number];

/** How a page shows an instant: `Fri 20 Nov 2026, 09:15:00 IST`. public/ist-text.js writes the same. */
export function formatIst(instant: number, format: DateFormat = 'words'): string {
  const shifted = new Date(instant + IST_OFFSET_MS);
  const [date = '', time = ''] = shifted.toISOString().split('T');
  return `${formatDate(shifted, date, format)}, ${time.slice(0, 8)} IST`;
}

/**
 * How long ago an instant was, or how long it is until then: `just now`, `4 min ago`, `in 3 h`. From a day on the date and
 * the minute: `20 Nov, 09:15`, with the year where it is another one. public/ist-text.js writes the same.
 */
export function formatRelative(instant: number, now: number, format: DateFormat = 'words'): string {
  const distance = Math.abs(now - instant);
  if (distance >= DAY_MS) return formatShort(instant, now, format);
  if (distance < MINUTE_MS) return instant > now ? 'in less than a minute' : 'just now';
  const amount =
    distance < HOUR_MS ? `${Math.floor(distance / MINUTE_MS)} min` : `${Math.floor(distance / HOUR_MS)} h`;
  return instant > now ? `in ${amount}` : `${amount} ago`;
}

/** An instant to the minute, without what is clear: `09:15` today, `20 Nov, 09:15` this year, `20 Nov 2025, 09:15` else. */
export function formatShort(instant: number, now: number, format: DateFormat = 'words'): string {
  const shifted = new Date(instant + IST_OFFSET_MS);
  const [date = '', time = ''] = shifted.toISOString().split('T');
  const minute = time.slice(0, 5);
  if (startOfIstDay(instant) === startOfIstDay(now)) return minute;
  if (format !== 'words') return `${formatDate(shifted, date, format)}, ${minute}`;
  const day = `${shifted.getUTCDate()} ${MONTHS[shifted.getUTCMonth()]}`;
  const isThisYear = shifted.getUTCFullYear() === new Date(now + IST_OFFSET_MS).getUTCFullYear();
  return `${day}${isThisYear ? '' : ` ${shifted.getUTCFullYear()}`}, ${minute}`;
}

function formatDate(shifted: Date, iso: string, format: DateFormat): string {
  if (format === 'iso') return iso;
  if (format === 'numbers') return iso.split('-').reverse().join('/');
  const day = `${WEEKDAYS[shifted.getUTCDay()]} ${shifted.getUTCDate()} ${MONTHS[shifted.getUTCMonth()]}`;
  return `${day} ${shifted.getUTCFullYear()}`;
}

/** Wall time in India: the day of the week, and the minutes since its midnight. */
export function istWallTime(instant: number): { readonly day: Weekday; readonly minuteOfDay: number } {
  const shifted = new Date(instant + IST_OFFSET_MS);
  const day = WEEKDAY_NAMES[shifted.getUTCDay()] ?? 'sun';
  return { day, minuteOfDay: shifted.getUTCHours() * 60 + shifted.getUTCMinutes() };
}

/**
 * When the hour of an Indian clock began that an instant lies in (milliseconds since the epoch, both): half past an hour of
 * UTC. Counts by the hour begin there, or days and cutoffs would cut hours in two.
 */
export function startOfIstHour(instant: number): number {
  return instant - modulo(instant + IST_OFFSET_MS, HOUR_MS);
}

/** The Indian midnight that an instant lies behind. */
export function startOfIstDay(instant: number): number {
  return instant - modulo(instant + IST_OFFSET_MS, DAY_MS);
}

const modulo = (number: number, by: number): number => ((number % by) + by) % by;
