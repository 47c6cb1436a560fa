import type { Clock } from '../core/clock.ts';
import { ENDS, type SocketEnd } from '../core/close-codes.ts';
import type { Log } from '../core/log.ts';
import { idleLimitMs, type LivePolicy } from '../core/session-policy.ts';
import type { SessionActors } from '../sessions/session-actors.ts';
import type { SessionRegistry } from '../sessions/session-storage.ts';
import type { RegisteredSocket, SocketKey, SocketOwner } from '../sessions/socket-registry.ts';

/** Why an API key no longer allows what was opened with it; undefined when it does. */
export type WhyNoSocket = (key: SocketKey) => Promise<'ended' | 'forbidden' | undefined>;

export interface SocketStandingDeps {
  readonly actors: Pick<SessionActors, 'hasEnded'>;
  readonly registry: Pick<SessionRegistry, 'isUsable' | 'lastSeen' | 'ownIdleLimit' | 'endingOf'>;
  readonly whyNoSocket: WhyNoSocket;
  /** Calls back whenever a key of the user may have ended; returns how to stop that. */
  readonly whenKeysChange: (userId: string, look: () => void) => () => void;
  readonly policy: LivePolicy;
  readonly clock: Clock;
  readonly log: Log;
}

/** Whether what a socket was opened with still counts. Asking keeps nothing alive. */
export interface SocketStanding {
  /** Everything, as it is now: for a handshake, and for what a client asks for. Undefined when the socket may stay. */
  judge(owner: SocketOwner): Promise<SocketEnd | undefined>;
  /** The part of it that one query does not tell of all sockets. */
  endOf(owner: SocketOwner): Promise<SocketEnd | undefined>;
  /** Ends a socket as soon as its key is known to have ended; returns how to stop that. */
  watchKey(socket: Pick<RegisteredSocket, 'owner' | 'end'>): () => void;
}

export function createSocketStanding(deps: SocketStandingDeps): SocketStanding {
  const { actors, registry, whyNoSocket, whenKeysChange, policy, clock, log } = deps;

  async function endOfKey(key: SocketKey): Promise<SocketEnd | undefined> {
    const why = await whyNoSocket(key);
    if (why === undefined) return undefined;
    return why === 'ended' ? ENDS.keyEnded : ENDS.forbidden;
  }

  /** A store that has lost its data does not say that the session has ended. */
  async function endOfSession(sid: string): Promise<SocketEnd | undefined> {
    const [own, lastSeen] = await Promise.all([registry.ownIdleLimit(sid), registry.lastSeen(sid)]);
    if (lastSeen === undefined) return (await registry.endingOf(sid)) === 'idle' ? ENDS.idle : ENDS.revoked;
    const deadline = lastSeen + idleLimitMs(policy.current(), own);
    return deadline <= clock.now() ? ENDS.idle : undefined;
  }

  async function endOf(owner: SocketOwner): Promise<SocketEnd | undefined> {
    if (owner.key !== undefined) return endOfKey(owner.key);
    return owner.sid === undefined ? ENDS.revoked : endOfSession(owner.sid);
  }

  return {
    async judge(owner) {
      if (await actors.hasEnded(owner)) return ENDS.revoked;
      return endOf(owner);
    },
    endOf,
    watchKey({ owner, end }) {
      if (owner.key === undefined) return () => undefined;
      return whenKeysChange(owner.userId, () => {
        endOf(owner).then(
          (why) => why !== undefined && end(why),
          (err: unknown) =>
            log.warn({ err }, 'Whether a key is still good could not be read; it is tried again'),
        );
      });
    },
  };
}
