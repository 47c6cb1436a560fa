import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import express, { type Express } from 'express';
import { toKnownFailure } from './boot/known-failures.ts';
import type { Services } from './compose.ts';
import { createAddressList } from './http/address-list.ts';
import { createBodyLimits, FORM_LIMITS } from './http/body-limits.ts';
import { createCsrf } from './http/csrf.ts';
import { createDispatch } from './http/dispatch.ts';
import { createErrorHandler, refuseUnknownPath } from './http/error-handler.ts';
import { createFallbackErrorHandler } from './http/fallback-error-handler.ts';
import { createCanonicalHost, refuseTwoHosts } from './http/host-header.ts';
import { createOptionsHandler, readOnly } from './http/methods.ts';
import { createMetrics } from './http/metrics.ts';
import { readMultipart } from './http/multipart.ts';
import { setPageClock } from './http/page.ts';
import { createProbes } from './http/probes.ts';
import { createRequestId } from './http/request-id.ts';
import { createRequestWatch } from './http/request-watch.ts';
import { createRoutePolicies, createRoutePolicyReader } from './http/route-policy.ts';
import { createSameOrigin } from './http/same-origin.ts';
import { createSecurityHeaders } from './http/security-headers.ts';
import { createViewEngine } from './http/view-engine.ts';
import { ROUTE_POLICIES } from './route-policies.ts';
import { VERSION } from './version.ts';

const PUBLIC_FOLDER = fileURLToPath(new URL('../public', import.meta.url));
/** The browser's half of the library for passkeys, as its package has it. */
const WEBAUTHN_FOLDER = fileURLToPath(
  new URL('../dist/bundle', pathToFileURL(createRequire(import.meta.url).resolve('@simplewebauthn/browser'))),
);
const VIEWS_FOLDER = fileURLToPath(new URL('../views', import.meta.url));
const LARGEST_BODY = FORM_LIMITS.mostBytes;

/** The whole server: what a request passes, from top to bottom. */
export function createApp(services: Services): Express {
  const { config, log } = services;
  const app = express();
  configure(app, services);

  app.use(createRequestId());
  app.use(createRoutePolicyReader(createRoutePolicies(ROUTE_POLICIES)));
  app.use(services.feed.choosePolicy);
  app.use(services.gateway.choosePolicy);
  app.use(
    createSecurityHeaders({
      ...config,
      settings: config.headers,
      formTargets: services.brokers.authorizationOrigins,
    }),
  );
  app.use(createBodyLimits());
  app.use(refuseTwoHosts);
  app.use(createDispatch(createProbes(services.readiness)));
  app.use(services.bans.gate);
  app.use(createRequestWatch(services.requestWatch));
  // Under the host of a tool nothing below is there.
  app.use(services.gateway.relay);

  // For anyone, without a session.
  app.use('/assets', express.static(PUBLIC_FOLDER, { index: false, redirect: false, maxAge: '5m' }));
  app.use(
    '/assets/simplewebauthn',
    express.static(WEBAUTHN_FOLDER, { index: false, redirect: false, maxAge: '5m' }),
  );
  app.use('/assets', readOnly);
  app.use(services.accounts.guessGate);
  app.use(services.rateLimits.beforeSession);
  app.use(
    createDispatch(
      createMetrics(services.metrics, { isAllowed: createAddressList(config.metricsAllow) }),
      ...(services.brokers.sandbox === undefined ? [] : [services.brokers.sandbox.programs]),
      services.strategies.webhooks,
      services.api.programs,
      services.feed.programs,
      services.gateway.authorisation,
      services.cspReports.endpoint,
    ),
  );
  app.use(services.rateLimits.unanswered);
  // Behind what programs ask for, this server among them: it calls itself by a loopback name.
  app.use(createCanonicalHost(config.baseUrl));

  const pages = createDispatch(...services.routers);
  app.use(createOptionsHandler(pages));

  // The session, and whether it still counts. What needs none says so in its row.
  app.use(createSameOrigin(config.baseUrl, log));
  app.use(services.rateLimits.turnedAway);
  app.use(services.sessions.loadSession);
  app.use(services.sessions.outageLogout);
  app.use(services.bans.pathWatch.strangers);
  app.use(services.rateLimits.behindSession);
  app.use(services.sessions.expiry.middleware);
  app.use('/setup', services.accounts.setupGate);
  app.use(services.settings.appearance);

  app.use(express.urlencoded({ extended: false, limit: LARGEST_BODY, parameterLimit: 100 }));
  app.use(express.json({ limit: LARGEST_BODY }));
  app.use(readMultipart);
  app.use(services.sessions.expiry.judgeAgain);
  app.use(createCsrf(services.sessions.visitorSecret));
  app.use(services.accounts.carryOutKeptForm);
  app.use(services.brokers.banner);
  app.use(services.accounts.roleGate);
  app.use(services.accounts.reauthenticationGate);

  app.use(services.auditLog.exportWatch);
  app.use(pages);

  app.use(services.accounts.askForForm);
  app.use(refuseUnknownPath);
  app.use(services.bans.pathWatch.refusals);
  app.use(services.auditLog.refusalWatch);
  app.use(services.sessions.expiry.endedInProgress);
  app.use(services.accounts.reopenLoginForm);
  app.use(createErrorHandler(log, toKnownFailure, services.gateway.answerRefusal));
  app.use(createFallbackErrorHandler(log));
  return app;
}

function configure(app: Express, { config, clock }: Services): void {
  app.disable('x-powered-by');
  app.enable('case sensitive routing');
  app.set('trust proxy', createAddressList(config.trustProxy));
  app.set('query parser', 'simple');
  // Every page is personal and no-store: an ETag would never be asked for.
  app.set('etag', false);
  app.locals['version'] = VERSION;
  app.set('views', VIEWS_FOLDER);
  app.engine('ejs', createViewEngine());
  app.set('view engine', 'ejs');
  app.enable('view cache');
  setPageClock(app, clock);
  // BASE_URL says what browsers speak, also where a proxy does not pass it on; Secure cookies depend on it.
  if (config.https) Object.defineProperty(app.request, 'secure', { get: () => true });
}
