import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { IdentityHeaders } from '../identity.ts';
import type { GatewayRule, Target } from '../rules.ts';

/** Headers of one connection alone (RFC 9110, 7.6.1), besides those that `Connection` names. */
const OF_THE_CONNECTION: ReadonlySet<string> = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-authentication-info',
]);

/** Headers for the framing and the way of a message: no `Connection` can take these out. */
const OF_THE_MESSAGE: ReadonlySet<string> = new Set(['content-length', 'host']);

/**
 * Names under which tools believe what a proxy says of the user, the client or the address, once each sign that is no letter
 * or digit is a hyphen: CGI, WSGI and PHP read `X_Forwarded.For` as `X-Forwarded-For`.
 */
const WRITTEN_BY_PROXIES =
  /^(?:remote-.*|x-remote-.*|x-curfew-.*|x-forwarded(?:-.*)?|forwarded|x-real-ip|x-original-.*|x-rewrite-url|x-webauth-.*|x-auth-request-.*|x-client-ip|x-cluster-client-ip|true-client-ip|cf-connecting-ip)$/;

/** Names under which frameworks read another method than the request's; under a rule with methods it would be none of them. */
const OTHER_METHOD = /^x-(?:http-)?method(?:-override)?$/;

const plain = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '-');

/** Curfew's own cookies, all of which begin so; also as browsers send one that was set without a name. */
const OWN_COOKIE = /^[\s=]*(?:__(?:host|secure)-)?curfew/i;

export interface ToolHeadersDeps {
  /** Whether a text may be an API key of this server's. */
  readonly looksLikeKey: (text: string) => boolean;
  /** BASE_URL's host, which names this server in Via. */
  readonly ownHost: string;
}

export interface ToolHeadersOptions {
  readonly rule: GatewayRule;
  readonly target: Target;
  /** Undefined under a public rule. */
  readonly identity: IdentityHeaders | undefined;
  /** Of the client. */
  readonly address: string;
  readonly isHandshake: boolean;
}

export type ToToolHeaders = (req: IncomingMessage, options: ToolHeadersOptions) => IncomingHttpHeaders;

/** Makes the headers that a tool gets: the client's, without what is not for it, and those that only this server may write. */
export function createToolHeaders({ looksLikeKey, ownHost }: ToolHeadersDeps): ToToolHeaders {
  const isOwnKey = (name: string, value: string): boolean =>
    (name === 'authorization' || name === 'x-api-key') && looksLikeKey(value);

  return function toToolHeaders(req, { rule, target, identity, address, isHandshake }) {
    const headers: IncomingHttpHeaders = {};
    const named = namedByConnection(req);
    for (const [name, value] of Object.entries(req.headers)) {
      if (value === undefined || named.has(name)) continue;
      const spelled = plain(name);
      const isOtherMethod = rule.methods !== undefined && OTHER_METHOD.test(spelled);
      // `Expect` was answered here.
      if (WRITTEN_BY_PROXIES.test(spelled) || isOtherMethod || name === 'expect') continue;
      if (!isOwnKey(name, value.toString())) headers[name] = value;
    }
    if (headers.cookie !== undefined) headers.cookie = withoutOwnCookies(headers.cookie);
    if (headers.cookie === '') delete headers.cookie;
    return {
      ...headers,
      ...(req.headers['transfer-encoding'] !== undefined && { 'transfer-encoding': 'chunked' }),
      // The connection serves this request alone, but it is closed from here: a tool that closes it behind an early answer
      // would take that answer away from a client that is still sending.
      ...(isHandshake ? { connection: 'Upgrade', upgrade: 'websocket' } : { connection: 'keep-alive' }),
      ...identity,
      host: target.host,
      'x-forwarded-for': address,
      'x-forwarded-proto': target.scheme,
      'x-forwarded-host': target.host,
      via: [headers.via, `1.1 ${ownHost}`].flat().filter(Boolean).join(', '),
    };
  };
}

/** Whether a request has come by this server before: then a tool's address leads back to it. */
export function cameBy(req: IncomingMessage, ownHost: string): boolean {
  const hops = (req.headers.via ?? '').toString().split(',');
  return hops.some((hop) => hop.trim().split(/\s+/)[1] === ownHost);
}

/** Headers of a tool's answer that go to the client, by name: none of its connection, and no cookie under a name of Curfew's. */
export function answerHeaders(answer: IncomingMessage): ReadonlyMap<string, readonly string[]> {
  const named = namedByConnection(answer);
  const headers = new Map<string, readonly string[]>();
  for (const [name, values = []] of Object.entries(answer.headersDistinct)) {
    const kept = name === 'set-cookie' ? values.filter((cookie) => !OWN_COOKIE.test(cookie)) : values;
    if (!named.has(name) && kept.length > 0) headers.set(name, kept);
  }
  return headers;
}

function namedByConnection({ headers }: IncomingMessage): ReadonlySet<string> {
  const named = [headers.connection, headers['proxy-connection']].flat().join(',').toLowerCase().split(',');
  const names = named.map((name) => name.trim()).filter((name) => !OF_THE_MESSAGE.has(name));
  return new Set([...OF_THE_CONNECTION, ...names]);
}

function withoutOwnCookies(header: string): string {
  const pairs = header.split(';').map((pair) => pair.trim());
  return pairs.filter((pair) => pair !== '' && !OWN_COOKIE.test(pair)).join('; ');
}
