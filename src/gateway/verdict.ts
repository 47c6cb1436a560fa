import { MINUTE_MS } from '../core/duration.ts';
import type { Role } from '../core/role.ts';
import type { GatewayRule } from './rules.ts';

/** The asking user, as a rule looks at them. */
export interface Asker {
  /** The key of the username. */
  readonly usernameKey: string;
  readonly role: Role;
  /** When they last entered a password or second factor, in ms since the epoch; undefined for a program with an API key. */
  readonly reauthenticatedAt: number | undefined;
}

/** `prove`: the password once more. `deny`: a role or person that the rule does not name, or a program where a person must prove. */
export type Verdict = 'allow' | 'sign_in' | 'prove' | 'deny';

/** A rule's verdict on a user, or on a stranger. */
export function judge({ who, freshMinutes }: GatewayRule, asker: Asker | undefined, now: number): Verdict {
  if (who.kind === 'public') return 'allow';
  if (asker === undefined) return 'sign_in';
  if (who.kind === 'some' && !who.roles.has(asker.role) && !who.people.has(asker.usernameKey)) return 'deny';
  if (freshMinutes === undefined) return 'allow';
  if (asker.reauthenticatedAt === undefined) return 'deny';
  // A clock that was put back makes nothing fresher.
  return Math.abs(now - asker.reauthenticatedAt) < freshMinutes * MINUTE_MS ? 'allow' : 'prove';
}
