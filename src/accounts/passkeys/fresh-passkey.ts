import type { Request } from 'express';
import type { Clock } from '../../core/clock.ts';
import { MINUTE_MS } from '../../core/duration.ts';

/** As old as a password may be where a form asks for it. */
const FRESH_MS = 10 * MINUTE_MS;

/** Whether a passkey was used in this session a moment ago: then its user need not show a factor once more. */
export function hasFreshPasskey({ session }: Request, clock: Clock): boolean {
  return session.passkeyAt !== undefined && Math.abs(clock.now() - session.passkeyAt) < FRESH_MS;
}
