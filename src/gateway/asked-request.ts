import type { Request } from 'express';
import { type ProxyKind, proxyKindOf, readForwardedRequest } from './forwarded-request.ts';
import type { RelayedRequests } from './relay/relayed-requests.ts';
import { type FoundRule, findRule, type GatewayRule, type Target } from './rules.ts';

/** A request, as the gateway decides about it. */
export interface AskedRequest {
  /** `relay`: it is no question of a proxy, but the request itself, to be passed on to its tool. */
  readonly kind: ProxyKind | 'relay';
  /** The target; or why it cannot be read. */
  readonly target: Target | Error;
  readonly found: FoundRule;
}

const asked = new WeakMap<Request, AskedRequest>();

/** Set by `noteAsked`; undefined for a request that is none of the gateway's. */
export const askedOf = (req: Request): AskedRequest | undefined => asked.get(req);

/** Reads what the request asks about, and finds its rule, once. Undefined for a request that is none of the gateway's. */
export function noteAsked(
  req: Request,
  rules: readonly GatewayRule[],
  relayed: RelayedRequests,
): AskedRequest | undefined {
  const kind: AskedRequest['kind'] | undefined = relayed.takes(req) ? 'relay' : proxyKindOf(req);
  if (kind === undefined) return undefined;
  const target = orError(() => (kind === 'relay' ? relayed.read(req) : readForwardedRequest(req, kind)));
  const found: FoundRule = target instanceof Error ? { kind: 'none' } : findRule(rules, target);
  const result: AskedRequest = { kind, target, found };
  asked.set(req, result);
  return result;
}

/** An unreadable target is an answer as well: it is given when the request's turn has come. */
function orError(read: () => Target): Target | Error {
  try {
    return read();
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
}
