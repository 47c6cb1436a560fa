import { type AuditLog, type AuditOrigin, SYSTEM_ORIGIN } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import type { InvalidateTokens } from './token-invalidator.ts';
import type { TokenStore } from './token-store.ts';

export interface RejectionDeps {
  readonly tokens: Pick<TokenStore, 'end'>;
  readonly invalidateTokens: InvalidateTokens;
  readonly calendar: Pick<CutoffCalendar, 'last'>;
  readonly clock: Clock;
  readonly audit: AuditLog;
  /** The logout queue's: a broker that refuses one call may still honour the token elsewhere. */
  readonly wakeLogouts: () => void;
}

/**
 * Ends a connection whose access token the broker has refused, and says whether it did. Takes the digest of the token that was
 * refused: a report that comes late must not end the connection that the person has made since, nor call rejected what the
 * cutoff or a revocation ended. Twice is harmless.
 */
export type ReportRejected = (
  userId: string,
  broker: string,
  report: { readonly tokenDigest: string; readonly origin?: AuditOrigin },
) => Promise<boolean>;

export function createRejection(deps: RejectionDeps): ReportRejected {
  const { tokens, invalidateTokens, calendar, clock, audit, wakeLogouts } = deps;

  return async function reportRejected(userId, broker, { tokenDigest, origin = SYSTEM_ORIGIN }) {
    const ended = await tokens.end(
      { kind: 'token', userId, broker, tokenDigest, since: calendar.last() },
      { reason: 'rejected', now: clock.now() },
    );
    await invalidateTokens(userId, broker);
    if (ended.length === 0) return false;
    wakeLogouts();
    await audit.record({ type: 'broker.token_rejected', userId, broker }, origin);
    return true;
  };
}
