import { MINUTE_MS, SECOND_MS } from '../core/duration.ts';
import { backoffMs } from '../core/leased-queue.ts';

const AHEAD_MS = 5 * MINUTE_MS;
const FIRST_DELAY_MS = 15 * SECOND_MS;
const LONGEST_DELAY_MS = 5 * MINUTE_MS;

/**
 * When to ask for the next access token, in ms since the epoch: five minutes before the end of the present one, and in
 * the second half of its life where that is short.
 */
export function refreshDueAt(token: { readonly issuedAt: number; readonly expiresAt: number }): number {
  const lifetime = Math.max(0, token.expiresAt - token.issuedAt);
  return token.expiresAt - Math.min(AHEAD_MS, Math.floor(lifetime / 2));
}

/** When to ask again after so many failures in a row: after 15 s, then twice as long each time, up to five minutes. */
export function refreshRetryAt(failures: number, now: number): number {
  return now + backoffMs({ failures, firstMs: FIRST_DELAY_MS, longestMs: LONGEST_DELAY_MS });
}
