import type { z } from 'zod';
import type { AuditLog } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import type { Log } from '../core/log.ts';
import type { ListStrategies, SignalsAfter } from '../core/signal.ts';
import type { SymbolFinder, SymbolLookup } from '../core/symbol.ts';
import { type CompoundLimiter, createCompoundLimiter, type RateLimit } from '../http/compound-limiter.ts';
import type { MetricSource } from '../http/metrics.ts';
import type { FindCredential } from '../http/shown-credential.ts';
import type { Bus } from '../storage/bus.ts';
import type { Caches } from '../storage/caches.ts';
import type { Database } from '../storage/database.ts';
import type { RedisClient } from '../storage/redis.ts';
import { createApiKeyStore } from './api-key-store.ts';
import { type ApiKeys, createApiKeys } from './api-keys.ts';
import type { ApiRouterDeps } from './api-router.ts';
import type { BrokerState, BrokerToken, SessionState } from './api-sources.ts';
import { createBrokerTokenEndpoint } from './endpoints/broker-token.ts';
import { createSessionEndpoint } from './endpoints/session.ts';
import { createSignalsEndpoint } from './endpoints/signals.ts';
import { createStrategiesEndpoint } from './endpoints/strategies.ts';
import { createSymbolEndpoint } from './endpoints/symbol.ts';
import { createSymbolsEndpoint } from './endpoints/symbols.ts';
import { createKeyForgetter, listenForKeyForgetting } from './key-forgetter.ts';
import { createKeyFormat } from './key-format.ts';
import { type CountCaller, type CountStranger, createKeyGate, type OnInvalidKey } from './key-gate.ts';
import { createKeyMetrics } from './key-metrics.ts';
import { createKeyUsage, type KeyUsage } from './key-usage.ts';
import { createKeyVerifier, type KeyVerifier, type SecretHasher } from './key-verifier.ts';
import type { KeysRouterDeps } from './keys-router.ts';
import { createOpenApiDocument } from './openapi-document.ts';
import { createShownKey } from './shown-key.ts';
import { createWaitingCalls } from './waiting-calls.ts';
import { describeWebhook } from './webhook-operation.ts';

export interface ApiRoomDeps {
  readonly database: Database;
  readonly bus: Pick<Bus, 'publish' | 'onMessage'>;
  readonly caches: Pick<Caches, 'onClear'>;
  /** Counts requests for all nodes; without it each process counts by itself. */
  readonly redis: RedisClient | undefined;
  readonly calendar: CutoffCalendar;
  readonly clock: Clock;
  readonly audit: AuditLog;
  readonly log: Log;
  /** PEPPER, newest first. */
  readonly peppers: readonly string[];
  /** A queue of its own: programs with new keys must not keep people from signing in. */
  readonly hasher: SecretHasher;
  /** API_RATE_LIMIT. */
  readonly rateLimits: readonly RateLimit[];
  /** CORS_ORIGINS. */
  readonly corsOrigins: readonly string[];
  /** BASE_URL: scheme, host and port, without a slash at the end. */
  readonly publicOrigin: string;
  readonly onInvalidKey: OnInvalidKey;
  readonly countStranger: CountStranger;
  readonly countCaller: CountCaller;

  readonly sessionState: (userId: string) => Promise<SessionState>;
  readonly brokerStates: (userId: string) => Promise<readonly BrokerState[]>;
  readonly brokerToken: (userId: string, broker: string) => Promise<BrokerToken>;
  readonly searchSymbols: SymbolFinder['search'];
  readonly findSymbol: SymbolLookup['find'];
  readonly listStrategies: ListStrategies;
  readonly signalsAfter: SignalsAfter;
  /** What the JSON body of a signal may hold. */
  readonly signalBody: z.ZodType;
}

export interface ApiRoom {
  /** For the command line, too. */
  readonly apiKeys: ApiKeys;
  readonly verifier: KeyVerifier;
  /** For the ban gate. */
  readonly shownKey: FindCredential;
  /** To be started once the server listens, and stopped when it closes. */
  readonly usage: KeyUsage;
  readonly metrics: MetricSource;
  /** What the router of `/api` takes. */
  readonly programs: ApiRouterDeps;
  /** What the router of `/api-keys` takes besides who may see what. */
  readonly pages: KeysRouterDeps;
}

/** The whole room, wired. Opens nothing and starts nothing. */
export function createApiRoom(deps: ApiRoomDeps): ApiRoom {
  const { database, clock, peppers, corsOrigins, publicOrigin } = deps;
  const store = createApiKeyStore(database);
  const format = createKeyFormat({ peppers });
  const verifier = createKeyVerifier({ ...deps, store, format });
  const waiting = createWaitingCalls();
  const forgetKeys = createKeyForgetter({ ...deps, verifier, waiting });
  const usage = createKeyUsage({ ...deps, store });
  const apiKeys = createApiKeys({ ...deps, store, format, forgetKeys });
  const metrics = createKeyMetrics(verifier);
  const onInvalidKey: OnInvalidKey = (attempt) => {
    metrics.count(attempt);
    return deps.onInvalidKey(attempt);
  };
  const gate = createKeyGate({ ...deps, verifier, usage, limiter: createLimiter(deps), onInvalidKey });
  const endpoints = [
    createSessionEndpoint(deps),
    createBrokerTokenEndpoint(deps),
    createSymbolsEndpoint(deps),
    createSymbolEndpoint(deps),
    createStrategiesEndpoint(deps),
    createSignalsEndpoint(deps),
  ];
  const webhook = describeWebhook(deps.signalBody);
  const document = createOpenApiDocument({ endpoints, webhook, publicOrigin });
  listenForKeyForgetting(verifier, { ...deps, waiting });

  return {
    apiKeys,
    verifier,
    shownKey: createShownKey({ format, verifier }),
    usage,
    metrics: metrics.source,
    programs: { endpoints, gate, waiting, document, corsOrigins },
    pages: { apiKeys, publicOrigin, clock },
  };
}

function createLimiter({ rateLimits, redis }: ApiRoomDeps): CompoundLimiter {
  return createCompoundLimiter({ name: 'api', what: 'The API', limits: rateLimits, redis });
}
