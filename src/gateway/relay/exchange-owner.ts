import type { Request } from 'express';
import type { Clock } from '../../core/clock.ts';
import { clientAddress } from '../../http/client-address.ts';
import type { SocketOwner } from '../../sessions/socket-registry.ts';
import type { Admission } from '../admission.ts';

export interface OwnerDeps {
  readonly epochs: { current(userId: string): Promise<number> };
  readonly clock: Clock;
}

/** Whose an exchange is: of the session or key that was let in; undefined under a public rule. */
export async function ownerOf(
  req: Request,
  { session, key }: Admission,
  { epochs, clock }: OwnerDeps,
): Promise<SocketOwner | undefined> {
  if (session !== undefined) {
    const { userId, username, sid, epoch, loginTime } = session;
    return { userId, username, sid, epoch, loginTime, key: undefined, endsAt: Number.POSITIVE_INFINITY };
  }
  if (key === undefined) return undefined;
  return {
    userId: key.userId,
    username: key.username,
    sid: undefined,
    key: { id: key.id, address: clientAddress(req), scope: 'gateway:access' },
    epoch: await epochs.current(key.userId),
    loginTime: clock.now(),
    endsAt: key.expiresAt ?? Number.POSITIVE_INFINITY,
  };
}
