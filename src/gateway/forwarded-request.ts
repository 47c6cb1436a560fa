import type { Request } from 'express';
import { invalid } from '../errors.ts';
import { normaliseHost } from './host.ts';
import type { Target } from './rules.ts';

/** How a proxy asks, by the path that it asks at. */
export type ProxyKind = 'nginx' | 'forward' | 'ext';

export const NGINX_PATH = '/authz/nginx';
export const FORWARD_PATH = '/authz/forward';
/** Envoy puts it in front of the path that it asks about (`path_prefix`). */
export const EXT_PATH = '/authz/ext';

/** Undefined for a request that is no proxy's question. */
export function proxyKindOf(req: Request): ProxyKind | undefined {
  if (req.path === NGINX_PATH) return 'nginx';
  if (req.path === FORWARD_PATH) return 'forward';
  return req.path === EXT_PATH || req.path.startsWith(`${EXT_PATH}/`) ? 'ext' : undefined;
}

/** Headers that must be there, in each way to ask. */
const NEEDED: Readonly<Record<ProxyKind, readonly string[]>> = {
  nginx: ['X-Original-URL', 'X-Original-Method'],
  forward: ['X-Forwarded-Method', 'X-Forwarded-Proto', 'X-Forwarded-Host', 'X-Forwarded-Uri'],
  ext: ['X-Forwarded-Proto', 'Host'],
};

/** The proxy left headers out. */
export class MissingHeadersError extends Error {
  readonly headers: readonly string[];

  constructor(headers: readonly string[]) {
    super(`The proxy does not send ${headers.join(', ')}`);
    this.name = 'MissingHeadersError';
    this.headers = headers;
  }
}

/**
 * The request that a proxy asks about, from the headers of its own way to ask and no others. Throws MissingHeadersError, and `invalid`
 * for what cannot be read; a header that came twice is joined with a comma, and is no method, host or address any more.
 */
export function readForwardedRequest(req: Request, kind: ProxyKind): Target {
  const missing = NEEDED[kind].filter((name) => !req.get(name));
  if (missing.length > 0) throw new MissingHeadersError(missing);
  if (kind === 'nginx') return readAddress(req.get('X-Original-URL') ?? '', req.get('X-Original-Method'));
  if (kind === 'ext') {
    const uri = req.originalUrl.slice(EXT_PATH.length);
    return toTarget({ method: req.method, scheme: req.get('X-Forwarded-Proto'), host: req.get('Host'), uri });
  }
  return toTarget({
    method: req.get('X-Forwarded-Method'),
    scheme: req.get('X-Forwarded-Proto'),
    host: req.get('X-Forwarded-Host'),
    uri: req.get('X-Forwarded-Uri') ?? '',
  });
}

interface Parts {
  readonly method: string | undefined;
  readonly scheme: string | undefined;
  readonly host: string | undefined;
  /** Path and query, as they were sent. */
  readonly uri: string;
}

/**
 * A whole address, as it was sent: a URL parser would resolve and decode, and rules must see what the tool gets. Throws
 * `invalid`.
 */
export function readAddress(text: string, method: string | undefined): Target {
  const [, scheme, host, uri = ''] = /^(\w+):\/\/([^/?#]*)(.*)$/.exec(text) ?? [];
  return toTarget({ method, scheme, host, uri });
}

const METHOD = /^[A-Z]{1,20}$/;
/** Characters of a request line (RFC 9112, 3.2), and the bytes that lenient clients send besides. */
const URI = /^(?:\/[^\s?]*)?(\?\S*)?$/;

export function toTarget({ method = '', scheme, host = '', uri }: Parts): Target {
  if (!METHOD.test(method)) throw unreadable('method');
  if (scheme !== 'http' && scheme !== 'https') throw unreadable('scheme');
  const name = normaliseHost(host, scheme);
  if (name === undefined) throw unreadable('host');
  if (!URI.test(uri)) throw unreadable('path');
  const [path = '', ...query] = uri.split('?');
  return {
    method,
    scheme,
    host: name,
    path: path || '/',
    query: query.length === 0 ? '' : `?${query.join('?')}`,
  };
}

const unreadable = (part: string) =>
  invalid({ [part]: `The ${part} of the request to the tool cannot be read.` });
