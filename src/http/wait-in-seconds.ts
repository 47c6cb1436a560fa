import { SECOND_MS } from '../core/duration.ts';

/** Fractions of a millisecond: `end - now` may come out longer than the window by a rounding error. */
const ROUNDING_MS = 0.001;

/** How long to wait, for a header that takes whole seconds: never too short, never none. */
export function waitInSeconds(ms: number): number {
  return Math.max(1, Math.ceil((ms - ROUNDING_MS) / SECOND_MS));
}
