import type { CurrentSession } from './current-session.ts';
import type { SocketKey, SocketOwner } from './socket-registry.ts';

export function ownerBySession(session: CurrentSession): SocketOwner {
  const { userId, username, sid, epoch, loginTime } = session;
  return { userId, username, sid, epoch, loginTime, key: undefined, endsAt: Number.POSITIVE_INFINITY };
}

/** An API key that was let in. */
export interface OwningKey {
  readonly id: string;
  readonly userId: string;
  readonly username: string;
  readonly expiresAt: number | undefined;
}

export interface KeyUse extends Pick<SocketKey, 'address' | 'scope'> {
  /** The user's, now. */
  readonly epoch: number;
  /** Now, in ms since the Unix epoch. */
  readonly at: number;
}

export function ownerByKey(key: OwningKey, { address, scope, epoch, at }: KeyUse): SocketOwner {
  const { id, userId, username, expiresAt = Number.POSITIVE_INFINITY } = key;
  return {
    userId,
    username,
    sid: undefined,
    key: { id, address, scope },
    epoch,
    loginTime: at,
    endsAt: expiresAt,
  };
}
