import type { RequestHandler } from 'express';
import type { AuditLog } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import type { Log } from '../core/log.ts';
import type { RevocationTarget } from '../core/revocation.ts';
import type { MetricSource } from '../http/metrics.ts';
import type { EpochStore } from '../sessions/epoch-store.ts';
import type { Bus } from '../storage/bus.ts';
import type { Caches } from '../storage/caches.ts';
import type { Database } from '../storage/database.ts';
import { createAuthorizationFlow } from './authorization-flow.ts';
import { createAuthorizationStore } from './authorization-store.ts';
import { type BrokerAdapter, createBrokerAdapters } from './broker-adapter.ts';
import { createBrokerBanner } from './broker-banner.ts';
import { createBrokerMetrics } from './broker-metrics.ts';
import { type BrokerOverview, createBrokerOverview } from './broker-overview.ts';
import { type CountConnections, createConnectionCounts } from './connection-count-store.ts';
import { createConnectionKeeper } from './connection-keeper.ts';
import { createCredentialStore } from './credential-store.ts';
import { createCredentials } from './credentials.ts';
import { createDeadLetterStore, type DeadLetterStore } from './dead-letter-store.ts';
import { createDisconnection } from './disconnection.ts';
import { type CallRoll, createKeyRollCall } from './key-roll-call.ts';
import { createLogoutAnswers, type LogoutAnswers } from './logout-answer-store.ts';
import { type BrokerLogoutQueue, createBrokerLogoutQueue } from './logout-queue.ts';
import { createLogoutStore } from './logout-store.ts';
import { createLostConnections } from './lost-connections.ts';
import { CONNECTIONS_KEPT_MS, createOldConnectionStore } from './old-connection-store.ts';
import { createRecentConnections } from './recent-connections.ts';
import { createRefreshStore } from './refresh-store.ts';
import { createRejection, type ReportRejected } from './rejection.ts';
import type { BrokerRouterDeps } from './routes.ts';
import { createSandboxBroker, type SandboxBroker } from './sandbox/sandbox-broker.ts';
import { createTokenCipher } from './token-cipher.ts';
import { createTokenForgetter } from './token-forgetter.ts';
import { createTokenReader, type TokenReader } from './token-reader.ts';
import { createTokenRefresher, type TokenRefresher } from './token-refresher.ts';
import { createBrokerTokenTarget } from './token-revocation.ts';
import { createTokenStore, type TokenStore } from './token-store.ts';

export interface BrokerRoomDeps {
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
  /** Whether a session of this id is still in the store. */
  readonly sessionExists: (sid: string) => Promise<boolean>;
}

export interface BrokerRoom {
  /** The day's token of a person at a broker, or why not: what another room needs of this one. */
  readonly reader: TokenReader;
  /** For whoever uses such a token and hears from the broker that it is not good. */
  readonly reportRejected: ReportRejected;
  readonly overview: BrokerOverview;
  /** What is open at the moment, for operators. */
  readonly openTokens: Pick<TokenStore, 'countOpenBefore' | 'listOwnersOfOpen'>;
  /** For pages about people. */
  readonly countConnectionsOf: CountConnections;
  /** For whoever shows a receipt. */
  readonly logoutAnswers: LogoutAnswers;
  /** For the revoker's list. */
  readonly tokenTarget: RevocationTarget;
  /** To be started once the server listens, and stopped when it closes. */
  readonly logoutQueue: BrokerLogoutQueue;
  /** The same. */
  readonly refresher: TokenRefresher;
  /** For operators: whether all servers are ready for a rotation of the keys. */
  readonly callKeyRoll: CallRoll;
  readonly metrics: MetricSource;
  /** Connections that can be used now, by the broker's id. */
  readonly countConnections: () => Promise<ReadonlyMap<string, number>>;
  /** Logouts that brokers were not told of. */
  readonly countLogouts: DeadLetterStore['count'];
  /** Forgets what is long over: once a minute is often enough. */
  readonly tidy: () => Promise<unknown>;
  /** Middleware in front of the pages of signed-in people. */
  readonly banner: RequestHandler;
  /** What the router takes besides the session and who may see what. */
  readonly routes: Omit<BrokerRouterDeps, 'liveSession'>;
  readonly sandbox: SandboxBroker | undefined;
  /** Where forms may lead to: for the CSP's form-action. */
  readonly authorizationOrigins: readonly string[];
}

/** The whole room, wired. Opens nothing and starts nothing. */
export function createBrokerRoom(deps: BrokerRoomDeps): BrokerRoom {
  const { database, encryptionKeys, clock, audit, sandbox } = deps;
  const tokens = createTokenStore(database);
  const logouts = createLogoutStore(database);
  const authorizations = createAuthorizationStore(database);
  const deadLetters = createDeadLetterStore(database);
  const oldConnections = createOldConnectionStore(database);
  const adapters = createBrokerAdapters(deps.adapters);
  const cipher = createTokenCipher({ keys: encryptionKeys, clock });
  const credentials = createCredentials({
    credentialStore: createCredentialStore(database),
    cipher,
    clock,
    audit,
  });

  const shared = { ...deps, tokens, logouts, deadLetters, authorizations, adapters, cipher, credentials };
  const logoutQueue = createBrokerLogoutQueue(shared);
  const wakeLogouts = logoutQueue.wake;
  const forgetTokens = createTokenForgetter(shared);
  const keeper = createConnectionKeeper({ ...shared, acting: database.acting });
  const flow = createAuthorizationFlow({ ...shared, keeper, forgetTokens, wakeLogouts });
  const ending = { ...shared, forgetTokens, wakeLogouts };
  const pages = { ...shared, recentConnections: createRecentConnections(shared) };
  const overview = createBrokerOverview(pages);
  const refresher = createTokenRefresher({ ...ending, refreshes: createRefreshStore(database) });

  return {
    reader: createTokenReader(shared),
    reportRejected: createRejection(ending),
    overview,
    openTokens: tokens,
    countConnectionsOf: createConnectionCounts(shared),
    tokenTarget: createBrokerTokenTarget({ ...shared, wakeLogouts }),
    logoutAnswers: createLogoutAnswers(database),
    logoutQueue,
    refresher,
    callKeyRoll: createKeyRollCall(shared),
    metrics: createBrokerMetrics({ ...shared, refresher }),
    countConnections: () => tokens.countAlive({ now: clock.now(), lastCutoff: deps.calendar.last() }),
    countLogouts: () => deadLetters.count(),
    tidy: () => oldConnections.forgetEndedBefore(clock.now() - CONNECTIONS_KEPT_MS),
    banner: createBrokerBanner(createLostConnections(pages)),
    routes: { ...shared, overview, flow, disconnect: createDisconnection(ending), wakeLogouts },
    sandbox: sandbox ? createSandboxBroker(deps) : undefined,
    authorizationOrigins: [...adapters.values()].flatMap((adapter) => adapter.authorizationOrigins),
  };
}
