import type { Request } from 'express';
import { invalid } from '../errors.ts';
import { routeClassOf } from '../http/route-policy.ts';
import type { FindCredential } from '../http/shown-credential.ts';
import { type KeyFormat, looksLikeKey } from './key-format.ts';
import type { KeyVerifier } from './key-verifier.ts';

/** Names under which programs for other servers send theirs. */
const KEY_NAMES = new Set([
  'apikey',
  'xapikey',
  'key',
  'token',
  'accesstoken',
  'authorization',
  'bearer',
  'ticket',
  'jwt',
]);

/**
 * The key that a request carries, in `Authorization: Bearer …` or `X-API-Key: …`; undefined when there is none. Throws
 * `invalid` for two different ones, and for one in the address: addresses end up in logs and histories (ASVS 14.2.1).
 */
export function presentedKey(req: Request): string | undefined {
  refuseKeyInAddress(req);
  const bearer = /^bearer +(\S.*)$/i.exec(req.get('authorization') ?? '')?.[1]?.trim();
  const header = req.get('x-api-key')?.trim() || undefined;
  if (bearer !== undefined && header !== undefined && bearer !== header)
    throw invalid({ key: 'Send one API key: Authorization and X-API-Key carry two different ones.' });
  return bearer ?? header;
}

/** The key of a request whose other headers and address are for another tool; undefined where there is none. */
export function findKey(req: Request): string | undefined {
  const bearer = /^bearer +(\S+)$/i.exec(req.get('authorization') ?? '')?.[1];
  return [bearer, req.get('x-api-key')?.trim()].find((text) => text !== undefined && looksLikeKey(text));
}

/** Throws `invalid`, with the parameter's name, for a key, token or ticket in the address. */
export function refuseKeyInAddress(req: Request): void {
  const [, query = ''] = /\?(.*)$/s.exec(req.originalUrl) ?? [];
  for (const [name, value] of new URLSearchParams(query)) {
    const plain = name.toLowerCase().replaceAll(/[^a-z]/g, '');
    if (!KEY_NAMES.has(plain) && !looksLikeKey(value)) continue;
    throw invalid({
      key: 'Send the API key in a header, Authorization or X-API-Key, and never in the address: addresses are written to logs. Revoke this key if it was a real one.',
    });
  }
}

interface ShownKeyDeps {
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
