import { fileURLToPath } from 'node:url';
import express, { type Express, Router } from 'express';
import { reopenLoginForm } from './accounts/login-page.ts';
import { createPeopleRouter } from './accounts/people/routes.ts';
import { createAccountsRouter } from './accounts/routes.ts';
import { createSetupGate } from './accounts/setup-page.ts';
import { createApiRouter } from './api/api-router.ts';
import { createKeysRouter } from './api/keys-router.ts';
import { createAuditRouter } from './audit/routes.ts';
import { createBrokerRouter } from './broker/routes.ts';
import { createDashboardRouter } from './dashboard/routes.ts';
import { createAddressList } from './http/address-list.ts';
import { createAnswerOptions } from './http/answer-options.ts';
import { createBodyLimits, FORM_LIMITS } from './http/body-limits.ts';
import { createCanonicalHost } from './http/canonical-host.ts';
import { createCsrf } from './http/csrf.ts';
import { createErrorHandler, refuseUnknownPath } from './http/error-handler.ts';
import { createLastResort } from './http/last-resort.ts';
import { createMetrics } from './http/metrics.ts';
import { readMultipart } from './http/multipart.ts';
import { createProbes } from './http/probes.ts';
import { readOnly } from './http/refuse-methods.ts';
import { refuseTwoHosts } from './http/refuse-two-hosts.ts';
import { createRequestId } from './http/request-id.ts';
import { createRequestWatch } from './http/request-watch.ts';
import { createRoutePolicies, createRoutePolicyReader } from './http/route-policy.ts';
import { createSameOrigin } from './http/same-origin.ts';
import { createSecurityHeaders } from './http/security-headers.ts';
import { createViewEngine } from './http/view-engine.ts';
import { toKnownFailure } from './known-failures.ts';
import { ROUTE_POLICIES } from './route-policies.ts';
import { createBanRouter } from './security/bans/routes.ts';
import { createReportsRouter } from './security/csp-reports/reports-page.ts';
import { createOverviewRouter } from './security/overview/routes.ts';
import { createEverybodysSessionsRouter } from './security/sessions/routes.ts';
import { createTrafficRouter } from './security/traffic/routes.ts';
import { createLoadRouter } from './security/watch/routes.ts';
import type { Services } from './services.ts';
import { createOutageLogout } from './sessions/outage-logout.ts';
import { createSessionsRouter } from './sessions/routes.ts';
import { createSessionMiddleware } from './sessions/session-middleware.ts';
import { createSettingsRouter } from './settings/routes.ts';
import { createStrategyRouter } from './strategies/routes.ts';
import { createSymbolRouter } from './symbols/routes.ts';
import { createTelegramRouter } from './telegram/routes.ts';

const PUBLIC_FOLDER = fileURLToPath(new URL('../public', import.meta.url));
const VIEWS_FOLDER = fileURLToPath(new URL('../views', import.meta.url));
const LARGEST_BODY = FORM_LIMITS.mostBytes;

/** The whole server: what a request passes, from top to bottom. */
export function createApp(services: Services): Express {
  const { config, log } = services;
  const app = express();
  configure(app, services);

  app.use(createRequestId());
  app.use(createRoutePolicyReader(createRoutePolicies(ROUTE_POLICIES)));
  app.use(
    ...createSecurityHeaders({ ...config, settings: config.headers, formTargets: services.brokerOrigins }),
  );
  app.use(createBodyLimits());
  app.use(refuseTwoHosts);
  app.use(createProbes(services.readiness));
  app.use(services.bans.gate);
  app.use(createRequestWatch(services.requestWatch));

  // For anyone, without a session.
  app.use('/assets', express.static(PUBLIC_FOLDER, { index: false, redirect: false, maxAge: '5m' }));
  app.use('/assets', readOnly);
  app.use(services.guessGate);
  app.use(services.rateLimits.beforeSession);
  app.use(createMetrics(services.metrics, { isAllowed: createAddressList(config.metricsAllow) }));
  if (services.sandbox !== undefined) app.use(services.sandbox.programs);
  app.use(services.strategies.webhooks);
  app.use(createApiRouter(services.api.programs));
  app.use(services.cspReports.endpoint);
  app.use(services.rateLimits.unanswered);
  // Behind what programs ask for, this server among them: it calls itself by a loopback name.
  app.use(createCanonicalHost(config.baseUrl));

  const rooms = createRooms(services);
  app.use(createAnswerOptions(rooms));

  // The session, and whether it still counts. What needs none says so in its row.
  app.use(createSameOrigin(config.baseUrl));
  app.use(services.rateLimits.turnedAway);
  app.use(createSessionMiddleware(services.sessionMiddleware));
  app.use(createOutageLogout(services.revoker));
  app.use(services.bans.pathWatch.strangers);
  app.use(services.rateLimits.behindSession);
  app.use(services.expiry.middleware);
  app.use('/setup', createSetupGate(services.accounts.users));
  app.use(services.pageLook);

  app.use(express.urlencoded({ extended: false, limit: LARGEST_BODY, parameterLimit: 100 }));
  app.use(express.json({ limit: LARGEST_BODY }));
  app.use(readMultipart);
  app.use(services.expiry.judgeAgain);
  app.use(createCsrf(services.visitorSecret));
  app.use(services.brokerBanner);
  app.use(services.roleGate);
  app.use(services.reauthenticationGate);

  app.use(services.exportWatch);
  app.use(rooms);

  app.use(refuseUnknownPath);
  app.use(services.bans.pathWatch.refusals);
  app.use(services.refusalWatch);
  app.use(services.expiry.endedInProgress);
  app.use(reopenLoginForm);
  app.use(createErrorHandler(log, toKnownFailure));
  app.use(createLastResort(log));
  return app;
}

/** Everything that has pages. */
function createRooms(services: Services): Router {
  const rooms = Router({ caseSensitive: true });
  rooms.use(createDashboardRouter(services.dashboard));
  rooms.use(createAccountsRouter(services.accounts));
  rooms.use(createSessionsRouter(services.sessions));
  rooms.use(createBrokerRouter(services.broker));
  rooms.use(createKeysRouter(services.apiKeys));
  rooms.use(createSymbolRouter(services.symbols));
  rooms.use(createSettingsRouter(services.settings));
  rooms.use(createTelegramRouter(services.telegram.routes));
  rooms.use(createStrategyRouter(services.strategies.routes));
  rooms.use(createOverviewRouter(services.overview));
  rooms.use(createBanRouter(services.banPages));
  rooms.use(createAuditRouter(services.auditPages));
  rooms.use(createEverybodysSessionsRouter(services.everybodysSessions));
  rooms.use(createPeopleRouter(services.people));
  rooms.use(createReportsRouter(services.cspReportPages));
  rooms.use(createTrafficRouter(services.trafficPages));
  rooms.use(createLoadRouter(services.loadPages));
  if (services.sandbox !== undefined) rooms.use(services.sandbox.pages);
  return rooms;
}

function configure(app: Express, { config }: Services): void {
  app.disable('x-powered-by');
  app.enable('case sensitive routing');
  app.set('trust proxy', createAddressList(config.trustProxy));
  app.set('query parser', 'simple');
  // Every page is personal and no-store: hashing it for an ETag would be for nobody.
  app.set('etag', false);
  app.set('views', VIEWS_FOLDER);
  app.engine('ejs', createViewEngine());
  app.set('view engine', 'ejs');
  app.enable('view cache');
  // BASE_URL says what browsers speak, also where a proxy does not pass it on; Secure cookies depend on it.
  if (config.https) Object.defineProperty(app.request, 'secure', { get: () => true });
}
