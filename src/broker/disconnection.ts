import type { AuditLog, AuditOrigin } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import type { ForgetTokens } from './token-forgetter.ts';
import type { TokenStore } from './token-store.ts';

export interface DisconnectionDeps {
  readonly tokens: TokenStore;
  readonly forgetTokens: ForgetTokens;
  readonly clock: Clock;
  readonly audit: AuditLog;
  readonly wakeLogouts: () => void;
}

export type Disconnect = (userId: string, broker: string, origin: AuditOrigin) => Promise<void>;

/** Ends one connection at its owner's wish: the row, then the caches, and the broker is told. Twice is harmless. */
export function createDisconnection(deps: DisconnectionDeps): Disconnect {
  const { tokens, forgetTokens, clock, audit, wakeLogouts } = deps;

  return async function disconnect(userId, broker, origin) {
    const ended = await tokens.end(
      { kind: 'of_broker', userId, broker },
      { reason: 'disconnected', now: clock.now() },
    );
    await forgetTokens(userId, broker);
    if (ended.length === 0) return;
    wakeLogouts();
    await audit.record({ type: 'broker.disconnected', userId, broker }, origin);
  };
}
