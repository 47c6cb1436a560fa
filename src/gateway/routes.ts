import { type RequestHandler, Router } from 'express';
import type { Log } from '../core/log.ts';
import { AppError, invalid } from '../errors.ts';
import { methods } from '../http/methods.ts';
import { renderPage } from '../http/page.ts';
import type { RoutePolicy } from '../http/route-policy.ts';
import type { Admit } from './admission.ts';
import { type AskedRequest, askedOf, noteAsked } from './asked-request.ts';
import { EXT_PATH, FORWARD_PATH, MissingHeadersError, NGINX_PATH } from './forwarded-request.ts';
import { GATEWAY_PAGE_ROUTES } from './gateway-page.ts';
import { normaliseHost } from './host.ts';
import type { IdentityIssuer } from './identity.ts';
import type { LiveRules } from './live-rules.ts';
import type { RelayedRequests } from './relay/relayed-requests.ts';
import { originOf } from './rules.ts';
import { RETURN_PATH } from './sign-in-address.ts';

const JWKS_PATH = '/.well-known/jwks.json';

export const GATEWAY_ROUTES: readonly RoutePolicy[] = [
  { path: NGINX_PATH, class: 'gateway' },
  { path: FORWARD_PATH, class: 'gateway' },
  { path: EXT_PATH, below: true, class: 'gateway' },
  { path: JWKS_PATH, class: 'public' },
  { path: RETURN_PATH },
  ...GATEWAY_PAGE_ROUTES,
];

/** Behind the reader of route policies: finds the rule, which says whether the request counts as activity. */
export function createPolicyChooser(
  rules: Pick<LiveRules, 'current'>,
  relayed: RelayedRequests,
): RequestHandler {
  return function choosePolicy(req, _res, next) {
    const asked = noteAsked(req, rules.current(), relayed);
    if (asked?.kind === 'relay') req.routePolicy = relayPolicyOf(asked);
    const isQuiet = asked?.found.kind === 'rule' && !asked.found.rule.activity;
    if (isQuiet && req.routePolicy !== undefined) req.routePolicy = { ...req.routePolicy, quiet: true };
    next();
  };
}

/** In place of what the path would be among this server's own. */
function relayPolicyOf({ found }: AskedRequest): RoutePolicy {
  const above = found.kind === 'rule' ? found.rule.path.replace(/\/$/, '') : '';
  return { path: '', class: 'gateway', relayedAs: `${above}/…` };
}

export interface AuthorisationDeps {
  readonly rules: Pick<LiveRules, 'file'>;
  readonly admit: Admit;
  readonly identities: IdentityIssuer;
  /** By TRUST_PROXY. */
  readonly isTrustedProxy: (address: string) => boolean;
  readonly log: Log;
}

/** Proxies' questions, in front of everything that is for browsers. */
export function createAuthorisation(deps: AuthorisationDeps): Router {
  const { rules, admit, identities, isTrustedProxy, log } = deps;
  const told = new Set<string>();

  /** Once for each cause: a proxy asks many times a second. */
  function tellOnce(cause: string): void {
    if (told.has(cause) || told.size >= MOST_TOLD) return;
    told.add(cause);
    log.error({}, cause);
  }

  function refuseUntrusted(address: string): never {
    tellOnce(
      `A request of ${address} at /authz was refused: only proxies that TRUST_PROXY names may ask. If that is your proxy, set TRUST_PROXY=${address} in .env and restart`,
    );
    throw new AppError('forbidden', 'Only a proxy that TRUST_PROXY names may ask here.');
  }

  function refuseIncomplete({ kind }: AskedRequest, { headers }: MissingHeadersError): never {
    const names = headers.join(' and ');
    tellOnce(
      `The proxy that asks at /authz/${kind} does not send ${names}: see docs/gateway.md for its configuration`,
    );
    throw invalid({ headers: `The proxy must send ${names}: see docs/gateway.md of Curfew.` });
  }

  const authorise: RequestHandler = async (req, res, next) => {
    const asked = askedOf(req);
    if (asked === undefined) return next();
    if (rules.file === undefined) throw new AppError('forbidden', OFF);
    const { remoteAddress = '' } = req.socket;
    if (!isTrustedProxy(remoteAddress)) refuseUntrusted(remoteAddress);
    if (asked.target instanceof MissingHeadersError) refuseIncomplete(asked, asked.target);
    const { identity, target } = await admit(req, res, asked);
    if (identity !== undefined) res.set(await identities.headersFor(identity, originOf(target)));
    res.set('Cache-Control', 'no-store').status(200).end();
  };

  const router = Router({ caseSensitive: true });
  for (const path of [NGINX_PATH, FORWARD_PATH, EXT_PATH, `${EXT_PATH}/*path`]) router.all(path, authorise);
  methods(router, JWKS_PATH, {
    get: async (_req, res) =>
      void res.set('Cache-Control', 'public, max-age=300').json(await identities.jwks()),
  });
  return router;
}

const MOST_TOLD = 100;
const OFF = 'The gateway is off: set GATEWAY_RULES to a file of rules.';

export interface ReturnPageDeps {
  readonly rules: Pick<LiveRules, 'current'>;
  /** BASE_URL's. */
  readonly scheme: 'http' | 'https';
}

/** The way back from the sign-in page to a tool: only to hosts that a rule names, under this server's own scheme. */
export function createGatewayRouter({ rules, scheme }: ReturnPageDeps): Router {
  const router = Router({ caseSensitive: true });

  function findTool(text: unknown): string | undefined {
    const url = typeof text === 'string' ? URL.parse(text) : null;
    if (url === null || url.protocol !== `${scheme}:` || url.username !== '' || url.password !== '')
      return undefined;
    const host = normaliseHost(url.host, scheme);
    return rules.current().some((rule) => rule.host === host) ? url.href : undefined;
  }

  methods(router, RETURN_PATH, {
    get(req, res) {
      const tool = findTool(req.query['to']);
      if (tool === undefined) throw invalid({ to: 'This address belongs to no tool behind this server.' });
      // A redirect would be one of the sign-in form, which browsers hold to the page's form-action.
      res.set('Refresh', `0; url=${tool}`);
      renderPage(req, res, 'gateway/return', { title: 'Back to your tool', tool, host: new URL(tool).host });
    },
  });
  return router;
}
