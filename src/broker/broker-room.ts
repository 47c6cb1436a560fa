import type { AuditLog } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import type { Log } from '../core/log.ts';
import type { RevocationTarget } from '../core/revocation.ts';
import type { EpochStore } from '../sessions/epoch-store.ts';
import type { Bus } from '../storage/bus.ts';
import type { Caches } from '../storage/caches.ts';
import type { Database } from '../storage/database.ts';
import { createSandboxAdapter } from './adapters/sandbox.ts';
import { createAuthorizationFlow } from './authorization-flow.ts';
import { createAuthorizationStore } from './authorization-store.ts';
import { createBrokerAdapters } from './broker-adapter.ts';
import { type BrokerOverview, createBrokerOverview } from './broker-overview.ts';
import { createConnectionKeeper } from './connection-keeper.ts';
import { createDisconnection } from './disconnection.ts';
import { type BrokerLogoutQueue, createBrokerLogoutQueue } from './logout-queue.ts';
import { createLogoutStore } from './logout-store.ts';
import type { BrokerRouterDeps } from './routes.ts';
import { createSandboxBroker, type SandboxBroker } from './sandbox/sandbox-broker.ts';
import { createTokenCipher } from './token-cipher.ts';
import { createTokenForgetter } from './token-forgetter.ts';
import { createTokenReader, type TokenReader } from './token-reader.ts';
import { createBrokerTokenTarget } from './token-revocation.ts';
import { createTokenStore, type TokenStore } from './token-store.ts';

export interface BrokerRoomDeps {
  readonly database: Database;
  readonly caches: Caches;
  readonly bus: Pick<Bus, 'publish'>;
  readonly epochs: EpochStore;
  readonly calendar: CutoffCalendar;
  readonly clock: Clock;
  readonly audit: AuditLog;
  readonly log: Log;
  /** ENCRYPTION_KEY, newest first. */
  readonly encryptionKeys: readonly string[];
  /** BASE_URL: scheme, host and port, without a slash at the end. */
  readonly publicOrigin: string;
  /** Where this process can reach itself; asked at each request. */
  readonly internalOrigin: () => string;
  /** Whether the practice broker is there. */
  readonly sandbox: boolean;
  /** Whether a session of this id is still in the store. */
  readonly sessionExists: (sid: string) => Promise<boolean>;
}

export interface BrokerRoom {
  readonly reader: TokenReader;
  readonly overview: BrokerOverview;
  /** What is open at the moment, for operators. */
  readonly openTokens: Pick<TokenStore, 'countOpenBefore' | 'listOwnersOfOpen'>;
  /** For the revoker's list. */
  readonly tokenTarget: RevocationTarget;
  /** To be started once the server listens, and stopped when it closes. */
  readonly logoutQueue: BrokerLogoutQueue;
  /** What the router takes besides the session. */
  readonly routes: Omit<BrokerRouterDeps, 'liveSession'>;
  readonly sandbox: SandboxBroker | undefined;
  /** Where forms may lead to: for the CSP's form-action. */
  readonly authorizationOrigins: readonly string[];
}

/** The whole room, wired. Opens nothing and starts nothing. */
export function createBrokerRoom(deps: BrokerRoomDeps): BrokerRoom {
  const { database, encryptionKeys, clock, sandbox } = deps;
  const tokens = createTokenStore(database);
  const logouts = createLogoutStore(database);
  const authorizations = createAuthorizationStore(database);
  const adapters = createBrokerAdapters(sandbox ? [createSandboxAdapter(deps)] : []);
  const cipher = createTokenCipher({ keys: encryptionKeys, clock });

  const shared = { ...deps, tokens, logouts, authorizations, adapters, cipher };
  const logoutQueue = createBrokerLogoutQueue(shared);
  const wakeLogouts = logoutQueue.wake;
  const forgetTokens = createTokenForgetter(shared);
  const keeper = createConnectionKeeper(shared);
  const flow = createAuthorizationFlow({ ...shared, keeper, forgetTokens, wakeLogouts });
  const disconnect = createDisconnection({ ...shared, forgetTokens, wakeLogouts });
  const overview = createBrokerOverview(shared);

  return {
    reader: createTokenReader(shared),
    overview,
    openTokens: tokens,
    tokenTarget: createBrokerTokenTarget({ ...shared, wakeLogouts }),
    logoutQueue,
    routes: { adapters, overview, flow, disconnect },
    sandbox: sandbox ? createSandboxBroker(deps) : undefined,
    authorizationOrigins: [...adapters.values()].map((adapter) => adapter.authorizationOrigin),
  };
}
