import { type Request, type RequestHandler, type Response, Router } from 'express';
import type { AuditLog } from '../core/audit-event.ts';
import { AppError, notFound } from '../errors.ts';
import { auditOrigin } from '../http/audit-origin.ts';
import type { CompoundLimiter } from '../http/compound-limiter.ts';
import { methods } from '../http/methods.ts';
import { renderPage } from '../http/page.ts';
import { safeReturnTo } from '../http/return-to.ts';
import type { RoutePolicy } from '../http/route-policy.ts';
import { type CurrentSession, currentSession } from '../sessions/current-session.ts';
import type { AuthorizationFlow, CallbackResult } from './authorization-flow.ts';
import type { BrokerAdapter, BrokerAdapters } from './broker-adapter.ts';
import { renderCallbackProblem } from './callback-problem.ts';
import type { CheckConnection } from './connection-check.ts';
import { type CredentialPageDeps, createCredentialPage } from './credential-page.ts';
import type { Disconnect } from './disconnection.ts';
import { createFailedLogoutsPage, type FailedLogoutsPageDeps } from './failed-logouts-page.ts';
import type { HeldConnectionStore } from './held-connection-store.ts';

export interface BrokerRouterDeps extends Omit<CredentialPageDeps, 'findAdapter'>, FailedLogoutsPageDeps {
  readonly adapters: BrokerAdapters;
  readonly flow: AuthorizationFlow;
  readonly disconnect: Disconnect;
  readonly held: Pick<HeldConnectionStore, 'setHeld'>;
  readonly checkConnection: CheckConnection;
  readonly checkLimiter: CompoundLimiter;
  readonly audit: AuditLog;
  readonly dismissBanner: RequestHandler;
  /** The session that the request carries if it is still good: not expired, not revoked. */
  readonly liveSession: (req: Request) => CurrentSession | undefined;
}

const HOME = '/broker';

export const BROKER_ROUTES: readonly RoutePolicy[] = [
  { path: HOME, role: 'user' },
  { path: '/broker/banner/dismissal', role: 'user' },
  { path: '/broker/:broker/connection', role: 'user' },
  { path: '/auth/broker/:broker/callback', class: 'callback' },
  { path: '/broker/:broker/disconnection', role: 'user' },
  { path: '/broker/:broker/hold', role: 'user' },
  { path: '/broker/:broker/check', role: 'user' },
  {
    path: '/broker/:broker/credentials',
    role: 'user',
    reauthenticate: { get: true, post: 'Save the app keys of a broker' },
  },
  {
    path: '/broker/:broker/credentials/removal',
    role: 'user',
    reauthenticate: { post: 'Remove the app keys of a broker' },
  },
  { path: '/broker/logouts', role: 'admin' },
  { path: '/broker/logouts/:id/attempt', role: 'admin' },
  { path: '/broker/logouts/:id/dismissal', role: 'admin' },
];

/** Notices on top of the page, chosen by a fixed word in its address. */
const NOTICES: ReadonlyMap<unknown, readonly [kind: 'good' | 'info' | 'warn' | 'bad', text: string]> =
  new Map([
    ['connected', ['good', 'Connected.']],
    ['denied', ['info', 'You did not allow the connection, so nothing was connected.']],
    ['disconnected', ['info', 'Disconnected. The broker is being told.']],
    [
      'disconnected_here',
      [
        'info',
        'Disconnected, and the token is wiped here. This broker takes no sign-out from apps: there it ends at its own time limit.',
      ],
    ],
    ['disconnected_late', ['info', 'Disconnected. The broker had ended the token by itself already.']],
    ['not_connected', ['info', 'This broker was not connected any more.']],
    ['held', ['good', 'This connection now stays when no browser is signed in.']],
    ['not_held', ['info', 'This connection now ends with your last session.']],
    ['check_accepted', ['good', 'Test passed: the broker accepts this connection.']],
    [
      'check_rejected',
      ['bad', 'The broker rejected the token, so the connection was ended here. Connect again.'],
    ],
    [
      'check_refused',
      [
        'warn',
        'The broker answered with an error that says nothing about the token. The connection is unchanged.',
      ],
    ],
    [
      'check_unreachable',
      ['warn', 'The broker did not answer. The connection is unchanged; try again in a minute.'],
    ],
    ['check_not_connected', ['info', 'This broker is not connected, so there is nothing to test.']],
    [
      'check_credentials_missing',
      ['warn', 'Enter the app keys first: the broker cannot be asked without them.'],
    ],
    ['check_replaced', ['info', 'The connection was replaced during the test. Test the new one.']],
    ['check_not_offered', ['info', 'This broker offers no way to test a connection.']],
    ['credentials_saved', ['good', 'The app keys are saved. Now you can connect.']],
  ]);

/** The brokers' page, connecting, disconnecting, the app keys, and the address that brokers send people back to. */
export function createBrokerRouter(deps: BrokerRouterDeps): Router {
  const { adapters, overview, flow, disconnect, liveSession, held, checkConnection, audit } = deps;
  const router = Router({ caseSensitive: true });
  const credentialPage = createCredentialPage({ ...deps, findAdapter });
  const deadLetterPage = createFailedLogoutsPage(deps);

  methods(router, HOME, {
    get: async function showBrokers(req, res) {
      const { userId } = currentSession(req);
      renderPage(req, res, 'broker/index', {
        title: 'Brokers',
        brokers: await overview.of(userId, req),
        notice: readNotice(req),
        // The page from which a user came who did not allow the connection: the forms lead back to it.
        backTo: safeReturnTo(req.query['returnTo']),
      });
    },
  });

  methods(router, '/broker/banner/dismissal', { post: deps.dismissBanner });

  methods(router, '/broker/:broker/connection', {
    post: async function beginConnection(req, res) {
      const adapter = findAdapter(req);
      const session = currentSession(req);
      const returnTo = readReturnTo(req);
      const origin = auditOrigin(req, res, session.username);
      const keep = readHold(req) ?? (await lastChoice(overview, session.userId, adapter, req));
      const start = await flow.start({ adapter, session, returnTo, held: keep, origin });
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

  methods(router, '/broker/:broker/hold', {
    post: async function holdConnection(req, res) {
      const { userId, username } = currentSession(req);
      const { id: broker } = findAdapter(req);
      const keep = readHold(req) ?? false;
      const changed = await held.setHeld(userId, broker, keep);
      if (changed)
        await audit.record(
          { type: keep ? 'broker.held' : 'broker.not_held', userId, broker },
          auditOrigin(req, res, username),
        );
      res.redirect(303, withNotice(HOME, changed ? (keep ? 'held' : 'not_held') : 'not_connected'));
    },
  });

  methods(router, '/broker/:broker/check', {
    post: async function testConnection(req, res) {
      const { userId } = currentSession(req);
      const adapter = findAdapter(req);
      const taking = await deps.checkLimiter.take(userId);
      if (taking.kind === 'limited') throw tooManyTests(taking.retryAfterSeconds);
      res.redirect(303, withNotice(HOME, `check_${await checkConnection(userId, adapter)}`));
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

/** A form without the question, like the one in the banner, connects as it was connected before. */
async function lastChoice(
  overview: BrokerRouterDeps['overview'],
  userId: string,
  { id }: BrokerAdapter,
  req: Request,
): Promise<boolean> {
  const brokers = await overview.of(userId, req);
  return brokers.find((broker) => broker.id === id)?.held === true;
}

function answerCallback(req: Request, res: Response, result: CallbackResult, adapter: BrokerAdapter): void {
  switch (result.kind) {
    case 'connected':
      res.redirect(303, withNotice(result.returnTo, 'connected'));
      break;
    case 'denied':
      res.redirect(303, withNotice(HOME, 'denied', result.returnTo));
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

function readNotice(req: Request) {
  const [kind, text] = NOTICES.get(req.query['notice']) ?? [];
  return text === undefined ? undefined : { kind, text };
}

/** `cutoff` or `session`; a ticked box comes behind the hidden field for one that is not. */
function readHold(req: Request): boolean | undefined {
  const last = [req.body?.hold].flat().at(-1);
  return last === 'cutoff' ? true : last === 'session' ? false : undefined;
}

function tooManyTests(retryAfterSeconds: number): AppError {
  const words = `Too many tests of connections. Try again in ${retryAfterSeconds} s.`;
  return new AppError('rate_limited', words, { retryAfterSeconds });
}

function readReturnTo(req: Request): string {
  return safeReturnTo(req.body?.returnTo) ?? HOME;
}

/** Only this page has a place for a notice. `onTo`: what it leads on to, where that is another one. */
function withNotice(path: string, notice: string, onTo = HOME): string {
  if (path !== HOME) return path;
  return `${HOME}?${new URLSearchParams({ notice, ...(onTo === HOME ? {} : { returnTo: onTo }) })}`;
}
