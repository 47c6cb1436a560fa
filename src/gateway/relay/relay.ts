import type { Request, RequestHandler } from 'express';
import { CLOSE_CODES, ENDS, type SocketEnd } from '../../core/close-codes.ts';
import { AppError } from '../../errors.ts';
import { clientAddress } from '../../http/client-address.ts';
import { counter, gauge, type Metric } from '../../http/metrics.ts';
import { pass } from '../../http/pass.ts';
import { setWaited } from '../../http/request-watch.ts';
import { upgradeOf } from '../../http/upgrade.ts';
import { socketRefusal } from '../../sessions/socket-refusal.ts';
import type { Admission, Admit } from '../admission.ts';
import { type AskedRequest, askedOf } from '../asked-request.ts';
import type { IdentityIssuer } from '../identity.ts';
import { type GatewayRule, originOf, type Target } from '../rules.ts';
import { signInRefusal } from '../sign-in-address.ts';
import { type OwnerDeps, ownerOf } from './exchange.ts';
import { createExchanges, type ExchangesDeps } from './exchanges.ts';
import { refuseForeign } from './foreign-request.ts';
import { type RelayOptions, relayHttp } from './relay-http.ts';
import { relaySocket } from './relay-socket.ts';
import { cameBy, createToolHeaders, type ToolHeadersDeps } from './tool-headers.ts';
import { createUpstreams } from './upstream.ts';
import { createUpstreamFailures } from './upstream-failures.ts';

export interface RelayDeps extends ExchangesDeps, OwnerDeps, ToolHeadersDeps {
  readonly admit: Admit;
  readonly identities: Pick<IdentityIssuer, 'headersFor'>;
  /** Counts requests without a session, and turns those away whose user is over the limit. */
  readonly limitStranger: RequestHandler;
  readonly findKey: (req: Request) => string | undefined;
  /** BASE_URL. */
  readonly publicOrigin: string;
}

export interface Relay {
  /** In front of everything that this server answers itself. */
  readonly handler: RequestHandler;
  readonly metrics: readonly Metric[];
}

/**
 * Passes requests on to the tools of rules with an upstream. Each is a connection of its session or key and ends with it,
 * however long the tool takes to answer.
 */
export function createRelay(deps: RelayDeps): Relay {
  const { admit, identities, limitStranger, findKey, publicOrigin, ownHost } = deps;
  const exchanges = createExchanges(deps);
  const failures = createUpstreamFailures();
  const toToolHeaders = createToolHeaders(deps);
  const openUpstream = createUpstreams();

  /** Refuses requests that no session and no key would help. */
  function refuseUnfit(req: Request, { found, target }: AskedRequest): void {
    if (cameBy(req, ownHost)) throw new AppError('bad_gateway', LOOP);
    if (upgradeOf(req) !== undefined && exchanges.isClosing) throw socketRefusal(ENDS.restarting);
    if (found.kind !== 'rule' || target instanceof Error) return;
    requireUpstream(found.rule);
    if (found.rule.who.kind !== 'public' && findKey(req) === undefined) refuseForeign(req, target);
  }

  async function headersFor(req: Request, { rule, target, identity }: Admission) {
    return toToolHeaders(req, {
      rule,
      target,
      identity: identity && (await identities.headersFor(identity, originOf(target))),
      address: clientAddress(req),
      isHandshake: upgradeOf(req) !== undefined,
    });
  }

  function refusalOf(end: SocketEnd, target: Target): AppError {
    const { code, reason } = end;
    const isOfSession =
      reason === 'cutoff' || reason === 'idle' || reason === 'revoked' || reason === 'logged_out';
    return code === CLOSE_CODES.ended && isOfSession
      ? signInRefusal(publicOrigin, reason, target)
      : socketRefusal(end);
  }

  const handler: RequestHandler = async function relay(req, res, next) {
    const asked = askedOf(req);
    if (asked?.kind !== 'relay') return next();
    // How long it takes says nothing about this server.
    setWaited(res);
    await pass(limitStranger, req, res);
    refuseUnfit(req, asked);
    const admission = await admit(req, res, asked);
    const { rule, target, identity } = admission;
    const headers = await headersFor(req, admission);
    const owner = await ownerOf(req, admission, deps);
    const endedBy = await exchanges.run(admission, owner, (exchange) => {
      const options: RelayOptions = {
        upstream: openUpstream(requireUpstream(rule)),
        headers,
        exchange,
        refusalOf: (end) => refusalOf(end, target),
        toFailure: (error) => failures.explain(error, rule, identity),
        onBroken: () => failures.count(rule),
      };
      const upgrade = upgradeOf(req);
      return upgrade === undefined
        ? relayHttp(req, res, options)
        : relaySocket(req, res, { ...options, upgrade, fail: next });
    });
    if (endedBy !== undefined) throw refusalOf(endedBy, target);
  };

  return {
    handler,
    metrics: [
      gauge({
        name: 'curfew_gateway_relayed',
        help: 'Requests, streams and WebSockets that this node is passing on to tools.',
        read: () => exchanges.size,
      }),
      counter({
        name: 'curfew_gateway_upstream_failures_total',
        help: 'Requests to tools that got no answer, or only a part of one, by rule.',
        labelNames: ['rule'],
        read: failures.counts,
      }),
    ],
  };
}

const LOOP =
  'The address of the tool leads back to this server. Ask an administrator: `upstream` must name the tool itself.';

function requireUpstream({ name, upstream }: GatewayRule): string {
  if (upstream !== undefined) return upstream;
  const words = `The rule ${JSON.stringify(name)} of the gateway has no upstream, so nothing can be passed on. Ask an administrator.`;
  throw new AppError('forbidden', words);
}
