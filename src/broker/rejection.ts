import { type AuditLog, SYSTEM_ORIGIN } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import { secretDigest } from './secret-digest.ts';
import type { InvalidateTokens } from './token-invalidator.ts';
import type { TokenStore } from './token-store.ts';

export interface RejectionDeps {
  readonly tokens: Pick<TokenStore, 'end'>;
  readonly invalidateTokens: InvalidateTokens;
  readonly clock: Clock;
  readonly audit: AuditLog;
  /** The logout queue's: a broker that refuses one call may still honour the token elsewhere. */
  readonly wakeLogouts: () => void;
}

/**
 * Ends a connection whose access token the broker has answered with 401 or 403. Takes the token that was refused: a
 * report that comes late must not end the connection that the person has made since. Twice is harmless.
 */
export type ReportRejected = (userId: string, broker: string, accessToken: string) => Promise<void>;

export function createRejection(deps: RejectionDeps): ReportRejected {
  const { tokens, invalidateTokens, clock, audit, wakeLogouts } = deps;

  return async function reportRejected(userId, broker, accessToken) {
    const ended = await tokens.end(
      { kind: 'token', userId, broker, tokenDigest: secretDigest(accessToken) },
      { reason: 'rejected', now: clock.now() },
    );
    await invalidateTokens(userId, broker);
    if (ended.length === 0) return;
    wakeLogouts();
    await audit.record({ type: 'broker.token_rejected', userId, broker }, SYSTEM_ORIGIN);
  };
}
