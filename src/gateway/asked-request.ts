import type { Request } from 'express';
import { type ProxyKind, proxyKindOf, readForwardedRequest } from './forwarded-request.ts';
import { type FoundRule, findRule, type GatewayRule, type Target } from './rules.ts';

/** What a request asks the gateway about. */
export interface AskedRequest {
  readonly kind: ProxyKind;
  /** What is asked for; or why that cannot be read. */
  readonly target: Target | Error;
  readonly found: FoundRule;
}

const asked = new WeakMap<Request, AskedRequest>();

/** Set by `noteAsked`; undefined for a request that is none of the gateway's. */
export const askedOf = (req: Request): AskedRequest | undefined => asked.get(req);

/** Reads what the request asks about, and finds its rule, once. Undefined for a request that is none of the gateway's. */
export function noteAsked(req: Request, rules: readonly GatewayRule[]): AskedRequest | undefined {
  const kind = proxyKindOf(req);
  if (kind === undefined) return undefined;
  const target = readTarget(req, kind);
  const found: FoundRule = target instanceof Error ? { kind: 'none' } : findRule(rules, target);
  const result = { kind, target, found };
  asked.set(req, result);
  return result;
}

function readTarget(req: Request, kind: ProxyKind): Target | Error {
  try {
    return readForwardedRequest(req, kind);
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
}
