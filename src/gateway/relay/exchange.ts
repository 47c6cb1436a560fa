import type { Request } from 'express';
import type { Clock } from '../../core/clock.ts';
import type { SocketEnd } from '../../core/close-codes.ts';
import { clientAddress } from '../../http/client-address.ts';
import { ownerByKey, ownerBySession } from '../../sessions/socket-owner.ts';
import type { RegisteredSocket, SocketOwner } from '../../sessions/socket-registry.ts';
import type { Admission } from '../admission.ts';

/** A request that is passed on to a tool, and all that it becomes: a download, a stream of events, a WebSocket. */
export interface Exchange extends Pick<RegisteredSocket, 'isOpen' | 'end'> {
  /** The end that came while it was judged. */
  readonly endedBy: SocketEnd | undefined;
  /** From here on it is open, and ends by this. */
  open(endNow: (why: SocketEnd) => void): void;
}

export function createExchange(): Exchange {
  let endedBy: SocketEnd | undefined;
  let carrier: ((why: SocketEnd) => void) | undefined;
  return {
    get isOpen() {
      return carrier !== undefined;
    },
    get endedBy() {
      return endedBy;
    },
    open(endNow) {
      carrier = endNow;
    },
    end(why) {
      if (carrier === undefined) endedBy ??= why;
      else carrier(why);
    },
  };
}

/** The exchange as the parts that end sockets see it. */
export function registrationOf(exchange: Exchange, owner: SocketOwner): RegisteredSocket {
  return {
    owner,
    get isOpen() {
      return exchange.isOpen;
    },
    end: (why) => exchange.end(why),
    tend: () => undefined,
  };
}

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
