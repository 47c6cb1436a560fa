import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import { DAY_MS, MINUTE_MS } from '../core/duration.ts';
import type { LivePolicy } from '../core/session-policy.ts';

/** Where neither a cutoff nor an idle limit is set, an unused session still ends some day. */
const LONGEST_IDLE_MS = 30 * DAY_MS;

/**
 * The shortest idle limit of their own that sessions may have: their use is written once a minute, and a limit should be
 * several times that.
 */
export const SHORTEST_OWN_IDLE_MS = 5 * MINUTE_MS;

/** `ownIdleMs` is a session's own idle limit, which counts where it is shorter than the server's. */
export interface SessionLifetime {
  /** Milliseconds that a session last used at `lastSeen` still has: the idle limit or the next cutoff. May be negative. */
  remainingMs(lastSeen: number, ownIdleMs?: number): number;
  /** A session last used at or before this instant (ms since the epoch) is idle no more but over. */
  idleSince(ownIdleMs?: number): number;
  idleLimitMs(ownIdleMs?: number): number;
}

export function createSessionLifetime(deps: {
  readonly clock: Clock;
  readonly calendar: CutoffCalendar;
  readonly policy: LivePolicy;
}): SessionLifetime {
  const { clock, calendar, policy } = deps;

  function idleLimitMs(ownIdleMs = Number.POSITIVE_INFINITY): number {
    const { idleTimeoutMs } = policy.current();
    return Math.min(ownIdleMs, idleTimeoutMs === 'off' ? LONGEST_IDLE_MS : idleTimeoutMs);
  }

  return {
    remainingMs: (lastSeen, ownIdleMs) =>
      Math.min(lastSeen + idleLimitMs(ownIdleMs), calendar.next()) - clock.now(),
    idleSince: (ownIdleMs) => clock.now() - idleLimitMs(ownIdleMs),
    idleLimitMs,
  };
}
