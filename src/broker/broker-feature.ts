import type { Request, RequestHandler } from 'express';
import type { AuditLog } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import type { Log } from '../core/log.ts';
import type { PriceFeed, ReadStreamPass } from '../core/price-feed.ts';
import type { RevocationTarget } from '../core/revocation.ts';
import { createCompoundLimiter } from '../http/compound-limiter.ts';
import { createDayCookie } from '../http/day-cookie.ts';
import type { Feature } from '../http/feature.ts';
import type { EpochStore } from '../revocation/epoch-store.ts';
import type { CurrentSession } from '../sessions/current-session.ts';
import type { Bus } from '../storage/bus.ts';
import type { Caches } from '../storage/caches.ts';
import type { Database } from '../storage/database.ts';
import type { RedisClient } from '../storage/redis.ts';
import { createAuthorizationFlow } from './authorization-flow.ts';
import { createAuthorizationStore } from './authorization-store.ts';
import { type BrokerAdapter, createBrokerAdapters } from './broker-adapter.ts';
import { createBannerDismissal, createBrokerBanner } from './broker-banner.ts';
import { createBrokerMetrics } from './broker-metrics.ts';
import { type BrokerOverview, createBrokerOverview } from './broker-overview.ts';
import { createConnectionCheck } from './connection-check.ts';
import { type CountConnections, createConnectionCounts } from './connection-count-store.ts';
import { createConnectionKeeper } from './connection-keeper.ts';
import { createCredentialStore } from './credential-store.ts';
import { createCredentials } from './credentials.ts';
import { createDisconnection } from './disconnection.ts';
import { createFailedLogoutStore, type FailedLogoutStore } from './failed-logout-store.ts';
import { createHeldConnectionStore, type HeldConnectionStore } from './held-connection-store.ts';
import { type CheckKeyReadiness, createKeyReadinessCheck } from './key-readiness-check.ts';
import { createLogoutAnswers, type LogoutAnswers } from './logout-answer-store.ts';
import { type BrokerLogoutQueue, createBrokerLogoutQueue } from './logout-queue.ts';
import { createLogoutStore } from './logout-store.ts';
import { createLostConnections } from './lost-connections.ts';
import { CONNECTIONS_KEPT_MS, createOldConnectionStore } from './old-connection-store.ts';
import { createRecentConnections } from './recent-connections.ts';
import { createRefreshStore } from './refresh-store.ts';
import { createRejection, type ReportRejected } from './rejection.ts';
import { createBrokerRouter } from './routes.ts';
import { createSandboxBroker, type SandboxBroker } from './sandbox/sandbox-broker.ts';
import { createStreamPassReader } from './stream-pass.ts';
import { createTokenCipher } from './token-cipher.ts';
import { createTokenInvalidator } from './token-invalidator.ts';
import { createTokenReader, type TokenReader } from './token-reader.ts';
import { createTokenRefresher, type TokenRefresher } from './token-refresher.ts';
import { createBrokerTokenTarget } from './token-revocation.ts';
import { createTokenStore, type TokenStore } from './token-store.ts';

export interface BrokerFeatureDeps {
  readonly database: Database;
  readonly caches: Caches;
  readonly bus: Pick<Bus, 'publish' | 'onMessage'>;
  readonly epochs: EpochStore;
  readonly calendar: CutoffCalendar;
  readonly clock: Clock;
  readonly audit: AuditLog;
  readonly log: Log;
  /** ENCRYPTION_KEY, newest first. */
  readonly encryptionKeys: readonly string[];
  /** BASE_URL: scheme, host and port, without a slash at the end. */
  readonly publicOrigin: string;
  /** In the order in which pages list them. */
  readonly adapters: readonly BrokerAdapter[];
  /** Whether the practice broker is there. */
  readonly sandbox: boolean;
  /** BROKER_HOLD=cutoff: whether Connect proposes to keep a connection until the cutoff. */
  readonly holdByDefault: boolean;
  /** Counts for all nodes; without it each process counts by itself. */
  readonly redis: RedisClient | undefined;
  /** SANDBOX_MARKET. */
  readonly marketHours: 'market' | 'always';
  /** Whether a session of this id is still in the store. */
  readonly sessionExists: (sid: string) => Promise<boolean>;
  /** The session that a request carries if it is still good. */
  readonly liveSession: (req: Request) => CurrentSession | undefined;
}

export interface BrokerFeature extends Feature {
  /** The day's token of a person at a broker, or why not: for other features. */
  readonly reader: TokenReader;
  /** For a feature whose token the broker refused. */
  readonly reportRejected: ReportRejected;
  /** Brokers with prices, by id, in the order in which pages list them; and what opens a user's stream there. */
  readonly feeds: ReadonlyMap<string, PriceFeed>;
  readonly readStreamPass: ReadStreamPass;
  /** Connections that users keep until the cutoff: for the revocation that leaves them, and for the sign-out page. */
  readonly held: HeldConnectionStore;
  readonly overview: BrokerOverview;
  /** Tokens that are open at the moment, for operators. */
  readonly openTokens: Pick<TokenStore, 'countOpenBefore' | 'listOwnersOfOpen'>;
  /** For pages about people. */
  readonly countConnectionsOf: CountConnections;
  /** For pages that show a receipt. */
  readonly logoutAnswers: LogoutAnswers;
  readonly revocationTarget: RevocationTarget;
  readonly logoutQueue: BrokerLogoutQueue;
  readonly refresher: TokenRefresher;
  /** For operators: whether all servers are ready for a rotation of the keys. */
  readonly checkKeyReadiness: CheckKeyReadiness;
  /** Connections that can be used now, by the broker's id. */
  readonly countConnections: () => Promise<ReadonlyMap<string, number>>;
  /** Logouts that brokers were not told of. */
  readonly countLogouts: FailedLogoutStore['count'];
  /** Middleware in front of the pages of signed-in people. */
  readonly banner: RequestHandler;
  /** By id, in the order in which pages list them. */
  readonly names: ReadonlyMap<string, string>;
  readonly sandbox: SandboxBroker | undefined;
  /** Where forms may lead to: for the CSP's form-action. */
  readonly authorizationOrigins: readonly string[];
}

/** How often a person may have brokers asked from the page. */
const CHECK_LIMITS = [{ points: 6, durationSeconds: 60 }] as const;

/** The whole feature, wired. Opens nothing and starts nothing. */
export function createBrokerFeature(deps: BrokerFeatureDeps): BrokerFeature {
  const { database, encryptionKeys, clock, audit, sandbox } = deps;
  const tokens = createTokenStore(database);
  const logouts = createLogoutStore(database);
  const authorizations = createAuthorizationStore(database);
  const failedLogouts = createFailedLogoutStore(database);
  const held = createHeldConnectionStore(database);
  const oldConnections = createOldConnectionStore(database);
  const adapters = createBrokerAdapters(deps.adapters);
  const cipher = createTokenCipher({ keys: encryptionKeys, clock });
  const credentials = createCredentials({
    credentialStore: createCredentialStore(database),
    cipher,
    clock,
    audit,
  });

  const shared = {
    ...deps,
    tokens,
    held,
    logouts,
    failedLogouts,
    authorizations,
    adapters,
    cipher,
    credentials,
  };
  const logoutQueue = createBrokerLogoutQueue(shared);
  const wakeLogouts = logoutQueue.wake;
  const invalidateTokens = createTokenInvalidator(shared);
  const keeper = createConnectionKeeper({ ...shared, acting: database.acting });
  const flow = createAuthorizationFlow({ ...shared, keeper, invalidateTokens, wakeLogouts });
  const ending = { ...shared, invalidateTokens, wakeLogouts };
  const reader = createTokenReader(shared);
  const reportRejected = createRejection(ending);
  const pages = { ...shared, recentConnections: createRecentConnections(shared) };
  const overview = createBrokerOverview(pages);
  const findLostConnections = createLostConnections(pages);
  const putAway = createDayCookie({
    ...deps,
    name: 'curfew-brokers-away',
    https: deps.publicOrigin.startsWith('https:'),
  });
  const refresher = createTokenRefresher({ ...ending, refreshes: createRefreshStore(database) });

  return {
    reader,
    reportRejected,
    feeds: new Map(
      [...adapters.values()].flatMap(({ id, feed }) => (feed === undefined ? [] : [[id, feed] as const])),
    ),
    readStreamPass: createStreamPassReader({ ...shared, reader, reportRejected, acting: database.acting }),
    held,
    overview,
    openTokens: tokens,
    countConnectionsOf: createConnectionCounts(shared),
    revocationTarget: createBrokerTokenTarget({ ...shared, wakeLogouts }),
    logoutAnswers: createLogoutAnswers(database),
    logoutQueue,
    refresher,
    jobs: [logoutQueue, refresher],
    checkKeyReadiness: createKeyReadinessCheck(shared),
    metrics: createBrokerMetrics({ ...shared, refresher }),
    countConnections: () => tokens.countAlive({ now: clock.now(), lastCutoff: deps.calendar.last() }),
    countLogouts: () => failedLogouts.count(),
    cleanup: () => oldConnections.forgetEndedBefore(clock.now() - CONNECTIONS_KEPT_MS),
    banner: createBrokerBanner({ ...deps, findLostConnections, putAway }),
    names: new Map([...adapters.values()].map(({ id, name }) => [id, name])),
    router: createBrokerRouter({
      ...shared,
      dismissBanner: createBannerDismissal({ findLostConnections, putAway }),
      overview,
      flow,
      disconnect: createDisconnection(ending),
      checkConnection: createConnectionCheck({ ...shared, reader, reportRejected }),
      checkLimiter: createCompoundLimiter({
        name: 'broker:check',
        what: 'Testing connections',
        limits: CHECK_LIMITS,
        redis: deps.redis,
      }),
      wakeLogouts,
    }),
    sandbox: sandbox ? createSandboxBroker(deps) : undefined,
    authorizationOrigins: [...adapters.values()].flatMap((adapter) => adapter.authorizationOrigins),
  };
}
