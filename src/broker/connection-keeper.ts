import { randomUUID } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import type { EpochStore } from '../revocation/epoch-store.ts';
import { SessionEndedError } from '../sessions/session-storage.ts';
import type { Acting } from '../storage/acting.ts';
import type { BrokerGrant } from './broker-adapter.ts';
import type { LogoutStore } from './logout-store.ts';
import { secretDigest } from './secret-digest.ts';
import type { BrokerCipher } from './token-cipher.ts';
import type { NewConnection, TokenStore } from './token-store.ts';

/** For whom and since when a token was asked for. */
export interface ConnectionOrigin {
  readonly userId: string;
  readonly broker: string;
  /** The session that began it. */
  readonly sid: string;
  /** The user's epoch, and the time in ms since the epoch, before the broker was asked. */
  readonly epoch: number;
  readonly issuedAt: number;
  readonly held: boolean;
}

/** Stores a token that a broker has just given, unless what it was meant for ended while the broker was asked. */
export interface ConnectionKeeper {
  keep(grant: BrokerGrant, origin: ConnectionOrigin): Promise<'kept' | 'ended_meanwhile'>;
}

export interface ConnectionKeeperDeps {
  readonly tokens: Pick<TokenStore, 'replace' | 'end'>;
  readonly logouts: Pick<LogoutStore, 'add'>;
  readonly epochs: EpochStore;
  readonly calendar: CutoffCalendar;
  readonly clock: Clock;
  readonly cipher: { forBroker(broker: string): Pick<BrokerCipher, 'encrypt'> };
  /** Whether a session of this id is still in the store. */
  readonly sessionExists: (sid: string) => Promise<boolean>;
  readonly acting: Pick<Acting, 'asServer'>;
}

/**
 * Asks before storing and again after it: a session may also go without a revocation, when its store loses it. What is
 * revoked in between is seen by the transaction that stores the token, where it acts on behalf of a session.
 */
export function createConnectionKeeper(deps: ConnectionKeeperDeps): ConnectionKeeper {
  const { tokens, logouts, epochs, calendar, clock, cipher, sessionExists, acting } = deps;

  return {
    async keep(grant, origin) {
      const connection = toConnection(grant, origin);
      if ((await isOver(origin)) || !(await replace(connection))) {
        await logouts.add(connection, clock.now());
        return 'ended_meanwhile';
      }
      if (!(await isOver(origin))) return 'kept';
      await acting.asServer(() =>
        tokens.end({ kind: 'one', id: connection.id }, { reason: 'ended_meanwhile', now: clock.now() }),
      );
      return 'ended_meanwhile';
    },
  };

  /** False where the session ended before the commit. */
  async function replace(connection: NewConnection): Promise<boolean> {
    try {
      await tokens.replace(connection, clock.now());
      return true;
    } catch (error) {
      if (error instanceof SessionEndedError) return false;
      throw error;
    }
  }

  function toConnection(
    grant: BrokerGrant,
    { userId, broker, epoch, issuedAt, held }: ConnectionOrigin,
  ): NewConnection {
    const { encrypt } = cipher.forBroker(broker);
    return {
      id: randomUUID(),
      userId,
      broker,
      accessToken: encrypt(grant.accessToken),
      feedToken: grant.feedToken === undefined ? undefined : encrypt(grant.feedToken),
      refreshToken: grant.refreshToken === undefined ? undefined : encrypt(grant.refreshToken),
      tokenDigest: secretDigest(grant.accessToken),
      epoch,
      issuedAt,
      expiresAt: grant.expiresAt,
      held,
      clientId: grant.clientId,
    };
  }

  async function isOver({ userId, sid, epoch, issuedAt }: ConnectionOrigin): Promise<boolean> {
    if (calendar.isPast(issuedAt)) return true;
    return (await epochs.current(userId)) !== epoch || !(await sessionExists(sid));
  }
}
