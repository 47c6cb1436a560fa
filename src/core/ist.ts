import { DateTime } from 'luxon';
import { MARKET_ZONE } from './cutoff.ts';

/** ISO 8601 with the market's offset, e.g. `2026-11-20T09:15:00.000+05:30`; how a session's `loginTime` is written. */
export function toIstIso(instant: number): string {
  return DateTime.fromMillis(instant, { zone: MARKET_ZONE }).toISO() ?? '';
}

/** Milliseconds since the epoch of an ISO 8601 text with an offset; NaN when it is not one. */
export function fromIso(text: string): number {
  return DateTime.fromISO(text, { setZone: true }).toMillis();
}

/** How a page shows an instant: `Fri 20 Nov 2026, 09:15:00 IST`. */
export function formatIst(instant: number): string {
  return DateTime.fromMillis(instant, { zone: MARKET_ZONE, locale: 'en-IN' }).toFormat(
    "ccc d LLL yyyy, HH:mm:ss 'IST'",
  );
}
