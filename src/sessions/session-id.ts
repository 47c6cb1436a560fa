import { randomBytes } from 'node:crypto';

/** 192 bits from the system's CSPRNG (ASVS 7.2.3 asks for 128). */
const RANDOM_BYTES = 24;

export type SessionIdFacts =
  | { readonly kind: 'signed_in'; readonly userId: string; readonly loginTime: number }
  | { readonly kind: 'visitor' };

/**
 * A session id tells whose it is and since when, beside its random part. So the index can name the owner of a session
 * whose body is gone, and a browser that comes back with a dead one can be told why, without anything kept for it.
 * It gives nothing away: it is signed in the cookie, and its holder knows who they are.
 */
export function newSignedInSessionId(userId: string, loginTime: number): string {
  return `s.${userId}.${loginTime.toString(36)}.${randomBytes(RANDOM_BYTES).toString('base64url')}`;
}

/** Anything that is not a signed-in user's is a visitor's, and in no store: see visitor-ids.ts. */
export function readSessionId(sid: string): SessionIdFacts {
  const [kind, userId, time] = sid.split('.');
  if (kind !== 's' || userId === undefined || time === undefined) return { kind: 'visitor' };
  return { kind: 'signed_in', userId, loginTime: Number.parseInt(time, 36) };
}

/** Whether the id of a session that is gone says enough: it began before the last cutoff (ms since the epoch). */
export function tellsOfCutoff(sid: string, lastCutoff: number): boolean {
  const facts = readSessionId(sid);
  return facts.kind === 'signed_in' && facts.loginTime < lastCutoff;
}
