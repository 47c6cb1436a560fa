import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import { DAY_MS } from '../core/duration.ts';
import type { LivePolicy } from '../core/session-policy.ts';

/** Where neither a cutoff nor an idle limit is set, a session that nobody uses still ends some day. */
const LONGEST_IDLE_MS = 30 * DAY_MS;

export interface SessionLifetime {
  /** Milliseconds that a session last used at `lastSeen` still has: the idle limit or the next cutoff. May be negative. */
  remainingMs(lastSeen: number): number;
  /** A session last used at or before this instant (ms since the epoch) is idle no more but over. */
  idleSince(): number;
  idleLimitMs(): number;
}

export function createSessionLifetime(deps: {
  readonly clock: Clock;
  readonly calendar: CutoffCalendar;
  readonly policy: LivePolicy;
}): SessionLifetime {
  const { clock, calendar, policy } = deps;

  function idleLimitMs(): number {
    const { idleTimeoutMs } = policy.current();
    return idleTimeoutMs === 'off' ? LONGEST_IDLE_MS : idleTimeoutMs;
  }

  return {
    remainingMs: (lastSeen) => Math.min(lastSeen + idleLimitMs(), calendar.next()) - clock.now(),
    idleSince: () => clock.now() - idleLimitMs(),
    idleLimitMs,
  };
}
