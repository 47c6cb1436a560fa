import { SECOND_MS } from './duration.ts';

/**
 * How far the clocks of two nodes may differ before a login of one looks like the future to the other.
 * The same limit at which a node reports its clock as wrong.
 */
export const CLOCK_SKEW_TOLERANCE_MS = 2 * SECOND_MS;

/**
 * Whether a login no longer counts. Half-open: a login at the instant of the cutoff belongs to the new day.
 * A login from the future (a clock that jumped back) is expired too. All in ms since the epoch.
 */
export function isPastCutoff(loginTime: number, now: number, lastCutoff: number): boolean {
  return !(loginTime >= lastCutoff && loginTime <= now + CLOCK_SKEW_TOLERANCE_MS);
}
