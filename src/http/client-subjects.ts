import type { Request } from 'express';
import { LRUCache } from 'lru-cache';
import { addressBucket, clientAddress } from './client-address.ts';

/** Whose request it is: the address, and what is banned when it is. */
export interface ClientSubject {
  readonly address: string;
  readonly subject: string;
}

const REMEMBERED = 10_000;
const LONGEST_HEADER = 200;

/**
 * Asks `clientAddress`, and remembers the answer for the next request of the same client: reading an IPv6 address takes
 * longer than all the rest of looking up a ban. The answer depends on the peer and on the header, and on TRUST_PROXY,
 * which does not change while the server runs.
 */
export function createClientSubjects(): (req: Request) => ClientSubject {
  const remembered = new LRUCache<string, ClientSubject>({ max: REMEMBERED });

  return function clientSubject(req) {
    const forwarded = String(req.headers['x-forwarded-for'] ?? '');
    // A line break is in no header and no address, so no two clients share a key.
    const key = `${req.socket.remoteAddress ?? ''}\n${forwarded}`;
    const known = remembered.get(key);
    if (known !== undefined) return known;
    const found = ask(req);
    if (forwarded.length <= LONGEST_HEADER) remembered.set(key, found);
    return found;
  };
}

function ask(req: Request): ClientSubject {
  const address = clientAddress(req);
  return { address, subject: addressBucket(address) };
}
