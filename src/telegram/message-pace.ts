import { MINUTE_MS, SECOND_MS } from '../core/duration.ts';

/** Telegram's advice: no more than one message a second in one chat (https://core.telegram.org/bots/faq). */
export const SHORTEST_PAUSE_MS = SECOND_MS;
const LONGEST_PAUSE_MS = MINUTE_MS;
/** After so long without a message, a burst is over. */
const QUIET_MS = 2 * LONGEST_PAUSE_MS;

/**
 * Milliseconds to leave after a message. One second, and twice as long each time in a burst, up to a minute: what comes
 * meanwhile travels together, so that a user whose strategy goes wrong all night gets a message a minute and not sixty.
 */
export function pauseAfter(options: {
  readonly now: number;
  /** When the one before was answered, and what was left after it. */
  readonly answeredAt: number;
  readonly paceMs: number;
}): number {
  const { now, answeredAt, paceMs } = options;
  if (now - answeredAt >= QUIET_MS) return SHORTEST_PAUSE_MS;
  return Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, 2 * paceMs));
}
