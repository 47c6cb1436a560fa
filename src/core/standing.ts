import { CLOCK_SKEW_TOLERANCE_MS, isPastCutoff } from './expiry.ts';
import { isInScope, type RevocableSession, type RevocationScope } from './revocation.ts';
import type { Role } from './role.ts';

/** The state of a user in the database at one moment. */
export interface Standing {
  readonly role: Role;
  readonly disabled: boolean;
  readonly epoch: number;
  /** Revocations that concern the user, stored since the session began. `orderedAt`: ms since the Unix epoch. */
  readonly revocations: readonly { readonly scope: RevocationScope; readonly orderedAt: number }[];
}

export interface Moment {
  /** Both in ms since the Unix epoch. */
  readonly now: number;
  readonly lastCutoff: number;
}

/**
 * Whether a session has ended, by everything that is known: the cutoff, the account, and what was revoked. A sweep from
 * the future was ordered by a clock that was wrong, and ends nothing yet.
 */
export function hasEnded(
  session: RevocableSession,
  standing: Standing | undefined,
  { now, lastCutoff }: Moment,
): boolean {
  if (standing === undefined || standing.disabled || standing.epoch !== session.epoch) return true;
  if (isPastCutoff(session.loginTime, now, lastCutoff)) return true;
  return standing.revocations.some(
    ({ scope, orderedAt }) =>
      isInScope(scope, session) && (scope.kind !== 'sweep' || orderedAt <= now + CLOCK_SKEW_TOLERANCE_MS),
  );
}
