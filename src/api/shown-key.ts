import type { Request } from 'express';
import { routeClassOf } from '../http/route-policy.ts';
import type { FindCredential } from '../http/shown-credential.ts';
import type { KeyFormat } from './key-format.ts';
import type { KeyVerifier } from './key-verifier.ts';
import { findKey, presentedKey } from './presented-key.ts';

export interface ShownKeyDeps {
  readonly format: Pick<KeyFormat, 'read'>;
  readonly verifier: Pick<KeyVerifier, 'verify'>;
}

/** Finds an API key in front of its gate. Only one with our seal is looked up, so only a genuine one is ever hashed. */
export function createShownKey({ format, verifier }: ShownKeyDeps): FindCredential {
  return function findShownKey(req) {
    const text = shownKeyOf(req);
    const presented = text === undefined ? undefined : format.read(text);
    if (text === undefined || presented === undefined) return undefined;
    return {
      id: presented.digest,
      isGuessable: false,
      isGood: async () => (await verifier.verify(text)).kind === 'ok',
    };
  };
}

function shownKeyOf(req: Request): string | undefined {
  const routeClass = routeClassOf(req);
  // Other headers and the address of such a request are for another tool.
  if (routeClass === 'gateway') return findKey(req);
  return routeClass === 'api' ? readKey(req) : undefined;
}

/** Undefined also for two keys, and for one in the address: neither is accepted anywhere. */
function readKey(req: Request): string | undefined {
  try {
    return presentedKey(req);
  } catch {
    return undefined;
  }
}
