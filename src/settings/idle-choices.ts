import { HOUR_MS, MINUTE_MS } from '../core/duration.ts';
import { SHORTEST_OWN_IDLE_MS } from '../sessions/session-lifetime.ts';

const CHOICES_MS: readonly number[] = [
  SHORTEST_OWN_IDLE_MS,
  10 * MINUTE_MS,
  15 * MINUTE_MS,
  30 * MINUTE_MS,
  HOUR_MS,
  2 * HOUR_MS,
  4 * HOUR_MS,
  8 * HOUR_MS,
];

/**
 * The idle limits that a user may choose, in ms: those that are shorter than the server's, and the one that they have,
 * which stays theirs where the server's has become shorter since.
 */
export function idleChoices(serverMs: number | 'off', chosenMs: number | undefined): readonly number[] {
  const limitMs = serverMs === 'off' ? Number.POSITIVE_INFINITY : serverMs;
  return CHOICES_MS.filter((ms) => ms < limitMs || ms === chosenMs);
}
