import type { IncomingMessage } from 'node:http';
import { toTarget } from '../forwarded-request.ts';
import { normaliseHost } from '../host.ts';
import type { LiveRules } from '../live-rules.ts';
import { covers, type Target } from '../rules.ts';

/** The requests that this server passes on to a tool by itself. */
export interface RelayedRequests {
  /** Whether it would do so, or refuse to, with a request for this. */
  isFor(target: Pick<Target, 'host' | 'path'>): boolean;
  takes(req: IncomingMessage): boolean;
  /** The target of a request that is taken. Throws `invalid`. */
  read(req: IncomingMessage): Target;
}

export interface RelayedRequestsDeps {
  readonly rules: Pick<LiveRules, 'current'>;
  /** BASE_URL's. */
  readonly scheme: 'http' | 'https';
  /** BASE_URL's, as in `GatewayRule.host`. */
  readonly ownHost: string;
  /** By TRUST_PROXY. */
  readonly isTrustedProxy: (address: string) => boolean;
}

/** Schemes that proxies in front write, for a WebSocket too. */
const SCHEMES: Readonly<Record<string, 'http' | 'https'>> = {
  http: 'http',
  https: 'https',
  ws: 'http',
  wss: 'https',
};

/**
 * A request for a host that has a rule with an upstream; under BASE_URL's own host only what lies below the path of such a
 * rule. What a proxy says of host and scheme counts where TRUST_PROXY names it.
 */
export function createRelayedRequests(deps: RelayedRequestsDeps): RelayedRequests {
  const { rules, ownHost, isTrustedProxy } = deps;

  function reachedAs({ headers, socket }: IncomingMessage) {
    const isBehindProxy = isTrustedProxy(socket.remoteAddress ?? '');
    const said = (name: string): string | undefined =>
      isBehindProxy ? headers[name]?.toString() || undefined : undefined;
    const scheme = SCHEMES[said('x-forwarded-proto') ?? ''] ?? deps.scheme;
    return { scheme, host: said('x-forwarded-host') ?? headers.host ?? '' };
  }

  const isFor: RelayedRequests['isFor'] = ({ host, path }) =>
    rules
      .current()
      .some(
        (rule) =>
          rule.upstream !== undefined && rule.host === host && (host !== ownHost || covers(rule.path, path)),
      );

  return {
    isFor,
    takes(req) {
      if (rules.current().length === 0) return false;
      const { scheme, host } = reachedAs(req);
      const name = normaliseHost(host, scheme);
      return name !== undefined && isFor({ host: name, path: req.url?.split('?', 1)[0] ?? '' });
    },
    read: (req) => toTarget({ method: req.method, ...reachedAs(req), uri: req.url ?? '' }),
  };
}
