import { HOUR_MS, MINUTE_MS } from './duration.ts';

/**
 * Indian time has been UTC+05:30 without daylight saving since 1945, so writing it down needs no calendar library: a page
 * shows a dozen times, and luxon's formatting took longer than all the rest of it.
 */
const IST_OFFSET_MS = 5 * HOUR_MS + 30 * MINUTE_MS;

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

/** How a page shows an instant: `Fri 20 Nov 2026, 09:15:00 IST`. */
export function formatIst(instant: number): string {
  const shifted = new Date(instant + IST_OFFSET_MS);
  const day = `${WEEKDAYS[shifted.getUTCDay()]} ${shifted.getUTCDate()} ${MONTHS[shifted.getUTCMonth()]}`;
  return `${day} ${shifted.getUTCFullYear()}, ${shifted.toISOString().slice(11, 19)} IST`;
}
