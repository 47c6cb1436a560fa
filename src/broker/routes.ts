import { type Request, type Response, Router } from 'express';
import { notFound } from '../errors.ts';
import { auditOrigin } from '../http/audit-origin.ts';
import { methods } from '../http/methods.ts';
import { renderPage } from '../http/page.ts';
import { safeReturnTo } from '../http/return-to.ts';
import type { RoutePolicy } from '../http/route-policy.ts';
import { type CurrentSession, currentSession } from '../sessions/current-session.ts';
import type { AuthorizationFlow, CallbackResult } from './authorization-flow.ts';
import type { BrokerAdapter, BrokerAdapters } from './broker-adapter.ts';
import { renderCallbackProblem } from './callback-problem.ts';
import { type CredentialPageDeps, createCredentialPage } from './credential-page.ts';
import type { Disconnect } from './disconnection.ts';
import { createFailedLogoutsPage, type FailedLogoutsPageDeps } from './failed-logouts-page.ts';

export interface BrokerRouterDeps extends Omit<CredentialPageDeps, 'findAdapter'>, FailedLogoutsPageDeps {
  readonly adapters: BrokerAdapters;
  readonly flow: AuthorizationFlow;
  readonly disconnect: Disconnect;
  /** The session that the request carries if it is still good: not expired, not revoked. */
  readonly liveSession: (req: Request) => CurrentSession | undefined;
}

const HOME = '/broker';

export const BROKER_ROUTES: readonly RoutePolicy[] = [
  { path: HOME },
  { path: '/broker/:broker/connection' },
  { path: '/auth/broker/:broker/callback', class: 'callback' },
  { path: '/broker/:broker/disconnection' },
  { path: '/broker/:broker/credentials', reauthenticate: ['get', 'post'] },
  { path: '/broker/:broker/credentials/removal', reauthenticate: ['post'] },
  { path: '/broker/logouts', role: 'admin' },
  { path: '/broker/logouts/:id/attempt', role: 'admin' },
  { path: '/broker/logouts/:id/dismissal', role: 'admin' },
];

/** What the page says on top, chosen by a fixed word in its address. */
const NOTICES: ReadonlyMap<unknown, string> = new Map([
  ['connected', 'Connected.'],
  ['denied', 'You did not allow the connection, so nothing was connected.'],
  ['disconnected', 'Disconnected. The broker is being told.'],
  [
    'disconnected_here',
    'Disconnected, and the token is wiped here. This broker takes no sign-out from apps: there it ends at its own time limit.',
  ],
  ['disconnected_late', 'Disconnected. The broker had ended the token by itself already.'],
  ['not_connected', 'This broker was not connected any more.'],
  ['credentials_saved', 'The app keys are saved. Now you can connect.'],
]);

/** The brokers' page, connecting, disconnecting, the app keys, and the address that brokers send people back to. */
export function createBrokerRouter(deps: BrokerRouterDeps): Router {
  const { adapters, overview, flow, disconnect, liveSession } = deps;
  const router = Router({ caseSensitive: true });
  const credentialPage = createCredentialPage({ ...deps, findAdapter });
  const deadLetterPage = createFailedLogoutsPage(deps);

  methods(router, HOME, {
    get: async function showBrokers(req, res) {
      const { userId } = currentSession(req);
      renderPage(req, res, 'broker/index', {
        title: 'Brokers',
        brokers: await overview.of(userId, req),
        notice: NOTICES.get(req.query['notice']),
      });
    },
  });

  methods(router, '/broker/:broker/connection', {
    post: async function beginConnection(req, res) {
      const adapter = findAdapter(req);
      const session = currentSession(req);
      const returnTo = readReturnTo(req);
      const origin = auditOrigin(req, res, session.username);
      const start = await flow.start({ adapter, session, returnTo, origin });
      if (start.kind === 'redirect') res.redirect(303, start.url.href);
      else if (start.kind === 'credentials_missing')
        res.redirect(303, `/broker/${adapter.id}/credentials?notice=needed`);
      else renderCallbackProblem(req, res, start.kind, adapter);
    },
  });

  methods(router, '/auth/broker/:broker/callback', {
    get: async function finishConnection(req, res) {
      const adapter = findAdapter(req);
      res.set('Cache-Control', 'no-store');
      // Link checkers ask by HEAD. They must not use up a state that works once.
      if (req.method === 'HEAD') return void res.status(200).end();
      const session = liveSession(req);
      if (session === undefined) return renderCallbackProblem(req, res, 'no_session', adapter);
      const origin = auditOrigin(req, res, session.username);
      const result = await flow.finish({ adapter, session, parameters: readQuery(req), origin });
      answerCallback(req, res, result, adapter);
    },
  });

  methods(router, '/broker/:broker/disconnection', {
    post: async function endConnection(req, res) {
      const { userId, username } = currentSession(req);
      const outcome = await disconnect(userId, findAdapter(req), auditOrigin(req, res, username));
      res.redirect(303, withNotice(readReturnTo(req), outcome));
    },
  });

  methods(router, '/broker/:broker/credentials', { get: credentialPage.show, post: credentialPage.save });
  methods(router, '/broker/:broker/credentials/removal', { post: credentialPage.remove });

  methods(router, '/broker/logouts', { get: deadLetterPage.show });
  methods(router, '/broker/logouts/:id/attempt', { post: deadLetterPage.tryAgain });
  methods(router, '/broker/logouts/:id/dismissal', { post: deadLetterPage.dismiss });

  function findAdapter(req: Request): BrokerAdapter {
    const adapter = adapters.get(String(req.params['broker']));
    if (adapter === undefined) throw notFound();
    return adapter;
  }

  return router;
}

function answerCallback(req: Request, res: Response, result: CallbackResult, adapter: BrokerAdapter): void {
  switch (result.kind) {
    case 'connected':
      res.redirect(303, withNotice(result.returnTo, 'connected'));
      break;
    case 'denied':
      res.redirect(303, withNotice(HOME, 'denied'));
      break;
    case 'not_accepted':
      renderCallbackProblem(req, res, result.why, adapter);
      break;
    default:
      renderCallbackProblem(req, res, result.kind, adapter);
  }
}

/** The query as it came: Express's own object would hide a parameter that occurs twice. */
function readQuery(req: Request): URLSearchParams {
  return new URL(req.originalUrl, 'http://query.invalid').searchParams;
}

function readReturnTo(req: Request): string {
  return safeReturnTo(req.body?.returnTo) ?? HOME;
}

/** Only this page has a place for a notice. */
function withNotice(path: string, notice: string): string {
  return path === HOME ? `${HOME}?notice=${notice}` : path;
}
