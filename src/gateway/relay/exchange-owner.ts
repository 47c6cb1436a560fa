import type { Request } from 'express';
import type { Clock } from '../../core/clock.ts';
import { clientAddress } from '../../http/client-address.ts';
import { ownerByKey, ownerBySession } from '../../sessions/socket-owner.ts';
import type { SocketOwner } from '../../sessions/socket-registry.ts';
import type { Admission } from '../admission.ts';

export interface OwnerDeps {
  readonly epochs: { current(userId: string): Promise<number> };
  readonly clock: Clock;
}

/** Owner of an exchange: the session or key that was let in; undefined under a public rule. */
export async function ownerOf(
  req: Request,
  { session, key }: Admission,
  { epochs, clock }: OwnerDeps,
): Promise<SocketOwner | undefined> {
  if (session !== undefined) return ownerBySession(session);
  if (key === undefined) return undefined;
  const epoch = await epochs.current(key.userId);
  return ownerByKey(key, { address: clientAddress(req), scope: 'gateway:access', epoch, at: clock.now() });
}
