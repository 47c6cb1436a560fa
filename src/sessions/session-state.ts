import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import { idleLimitMs, type LivePolicy } from '../core/session-policy.ts';
import type { DeviceSession } from './session-data.ts';
import type { SessionRegistry } from './session-storage.ts';

/** A person's sessions, all devices together. Instants in milliseconds since the epoch. */
export interface SessionState {
  /** How many are signed in now. */
  readonly devices: number;
  /** The latest of them. */
  readonly signedInAt: number | undefined;
  /** When the last of them ends unless it is used, exact to the minute; undefined where there is no idle limit. */
  readonly idleEndsAt: number | undefined;
}

export interface SessionStateDeps {
  readonly registry: Pick<SessionRegistry, 'listByUser' | 'ownIdleLimit'>;
  readonly policy: LivePolicy;
  readonly calendar: CutoffCalendar;
  readonly clock: Clock;
}

/** Asking keeps nothing alive. What is over but not yet ended counts as ended. */
export function createSessionState(deps: SessionStateDeps): (userId: string) => Promise<SessionState> {
  const { registry, policy, calendar, clock } = deps;

  async function idleEnd({ sid, lastSeen }: DeviceSession): Promise<number> {
    const own = await registry.ownIdleLimit(sid);
    return lastSeen + idleLimitMs(policy.current(), own);
  }

  return async function sessionState(userId) {
    const devices = await registry.listByUser(userId);
    const ends = await Promise.all(devices.map(idleEnd));
    const now = clock.now();
    const live = devices
      .map(({ loginTime }, index) => ({ loginTime, idleEndsAt: ends[index] ?? now }))
      .filter((each) => !calendar.isPast(each.loginTime) && each.idleEndsAt > now);
    const idleEndsAt = Math.max(...live.map((each) => each.idleEndsAt));
    return {
      devices: live.length,
      signedInAt: live.length === 0 ? undefined : Math.max(...live.map((each) => each.loginTime)),
      idleEndsAt: Number.isFinite(idleEndsAt) ? idleEndsAt : undefined,
    };
  };
}
