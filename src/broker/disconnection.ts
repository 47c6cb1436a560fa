import type { AuditLog, AuditOrigin } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import type { BrokerAdapter } from './broker-adapter.ts';
import type { InvalidateTokens } from './token-invalidator.ts';
import type { TokenStore } from './token-store.ts';

export interface DisconnectionDeps {
  readonly tokens: TokenStore;
  readonly invalidateTokens: InvalidateTokens;
  readonly clock: Clock;
  readonly audit: AuditLog;
  readonly wakeLogouts: () => void;
}

/**
 * `disconnected`: and the broker is told. `disconnected_here`: it takes no logout from apps, and honours the token until
 * its own time limit. `disconnected_late`: it had ended the token by itself. `not_connected`: there was nothing to end.
 */
export type DisconnectOutcome = 'disconnected' | 'disconnected_here' | 'disconnected_late' | 'not_connected';

export type Disconnect = (
  userId: string,
  adapter: BrokerAdapter,
  origin: AuditOrigin,
) => Promise<DisconnectOutcome>;

/** Ends one connection at its owner's wish: the row, then the caches, and the broker is told. Twice is harmless. */
export function createDisconnection(deps: DisconnectionDeps): Disconnect {
  const { tokens, invalidateTokens, clock, audit, wakeLogouts } = deps;

  return async function disconnect(userId, { id: broker, revoke }, origin) {
    const ended = await tokens.end(
      { kind: 'of_broker', userId, broker },
      { reason: 'disconnected', now: clock.now() },
    );
    await invalidateTokens(userId, broker);
    if (ended.length === 0) return 'not_connected';
    wakeLogouts();
    await audit.record({ type: 'broker.disconnected', userId, broker }, origin);
    if (!ended.some((each) => each.logoutQueued)) return 'disconnected_late';
    return revoke === undefined ? 'disconnected_here' : 'disconnected';
  };
}
