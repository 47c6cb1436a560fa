import type { Request, Router } from 'express';
import type { z } from 'zod';
import type { AuditLog } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import type { Log } from '../core/log.ts';
import type { ListStrategies, SignalsAfter } from '../core/signal.ts';
import type { SymbolFinder, SymbolLookup } from '../core/symbol.ts';
import { type CompoundLimiter, createCompoundLimiter, type RateLimit } from '../http/compound-limiter.ts';
import type { Feature } from '../http/feature.ts';
import type { FindCredential } from '../http/shown-credential.ts';
import type { Bus } from '../storage/bus.ts';
import type { Caches } from '../storage/caches.ts';
import type { Database } from '../storage/database.ts';
import type { RedisClient } from '../storage/redis.ts';
import { whyNotUsable } from './api-key.ts';
import { createApiKeyStore } from './api-key-store.ts';
import { type ApiKeys, createApiKeys } from './api-keys.ts';
import { createApiRouter } from './api-router.ts';
import type { ApiScope } from './api-scope.ts';
import type { BrokerState, BrokerToken, SessionState } from './api-sources.ts';
import {
  type BrokerRejectionEndpointDeps,
  createBrokerRejectionEndpoint,
} from './endpoints/broker-rejection.ts';
import { createBrokerTokenEndpoint } from './endpoints/broker-token.ts';
import { createSessionEndpoint } from './endpoints/session.ts';
import { createSignalsEndpoint, type SignalsEndpointDeps } from './endpoints/signals.ts';
import { createStrategiesEndpoint } from './endpoints/strategies.ts';
import { createSymbolEndpoint } from './endpoints/symbol.ts';
import { createSymbolsEndpoint } from './endpoints/symbols.ts';
import { mayBeUsedFrom } from './key-addresses.ts';
import { createKeyFormat, looksLikeKey } from './key-format.ts';
import {
  type CountCaller,
  type CountStranger,
  createKeyGate,
  type KeyGate,
  type OnInvalidKey,
} from './key-gate.ts';
import { createKeyInvalidator, listenForKeyInvalidation } from './key-invalidator.ts';
import { createKeyMetrics } from './key-metrics.ts';
import { createKeyUsage, type KeyUsage } from './key-usage.ts';
import { createKeyVerifier, type KeyVerifier, type SecretHasher } from './key-verifier.ts';
import { createKeysRouter } from './keys-router.ts';
import { createOpenApiDocument } from './openapi-document.ts';
import { createShownKey, findKey, refuseKeyInAddress } from './presented-key.ts';
import { createWaitingCalls, type WaitingCalls } from './waiting-calls.ts';
import { describeWebhook } from './webhook-operation.ts';

export interface ApiFeatureDeps {
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
  readonly reportRejected: BrokerRejectionEndpointDeps['reportRejected'];
  readonly knowsBroker: BrokerRejectionEndpointDeps['knowsBroker'];
  readonly searchSymbols: SymbolFinder['search'];
  readonly findSymbol: SymbolLookup['find'];
  readonly listStrategies: ListStrategies;
  readonly signalsAfter: SignalsAfter;
  readonly noteFetch: SignalsEndpointDeps['noteFetch'];
  /** Schema of a signal's JSON body. */
  readonly signalBody: z.ZodType;
}

export interface ApiFeature extends Feature {
  /** For the command line, too. */
  readonly apiKeys: ApiKeys;
  readonly verifier: KeyVerifier;
  /** For the ban gate. */
  readonly shownKey: FindCredential;
  readonly usage: KeyUsage;
  /** For what else takes API keys. */
  readonly keyGate: KeyGate;
  /** A key in a header that this installation may have made: what else stands there may be for another tool. */
  readonly findKey: (req: Request) => string | undefined;
  /** Whether a text has what may be a key of this installation's in it. */
  readonly looksLikeKey: (text: string) => boolean;
  /** Whether a request carries a key in a header, valid or not. */
  readonly showsKey: (req: Request) => boolean;
  /** Throws `invalid` for a key, token or ticket in the address. */
  readonly refuseKeyInAddress: (req: Request) => void;
  /** Why a key that was let in is no longer good for a scope from an address; undefined when it is. */
  readonly whyNoSocket: (used: {
    readonly id: string;
    readonly address: string;
    readonly scope: ApiScope;
  }) => Promise<'ended' | 'forbidden' | undefined>;
  /** Calls back whenever a key of the user may have ended, on whichever node; returns how to stop that. */
  readonly whenKeysChange: WaitingCalls['add'];
  /** Below `/api`, for programs: in front of the session. */
  readonly programs: Router;
}

/** The whole feature, wired. Opens nothing and starts nothing. */
export function createApiFeature(deps: ApiFeatureDeps): ApiFeature {
  const { database, clock, peppers, corsOrigins, publicOrigin } = deps;
  const store = createApiKeyStore(database);
  const format = createKeyFormat({ peppers });
  const verifier = createKeyVerifier({ ...deps, store, format });
  const waiting = createWaitingCalls();
  const invalidateKeys = createKeyInvalidator({ ...deps, verifier, waiting });
  const usage = createKeyUsage({ ...deps, store });
  const apiKeys = createApiKeys({ ...deps, store, format, invalidateKeys });
  const keyMetrics = createKeyMetrics(verifier);
  const onInvalidKey: OnInvalidKey = (attempt) => {
    keyMetrics.count(attempt);
    return deps.onInvalidKey(attempt);
  };
  const gate = createKeyGate({ ...deps, verifier, usage, limiter: createLimiter(deps), onInvalidKey });
  const endpoints = [
    createSessionEndpoint(deps),
    createBrokerTokenEndpoint(deps),
    createBrokerRejectionEndpoint({ ...deps, rejectionLimiter: createRejectionLimiter(deps) }),
    createSymbolsEndpoint(deps),
    createSymbolEndpoint(deps),
    createStrategiesEndpoint(deps),
    createSignalsEndpoint(deps),
  ];
  const webhook = describeWebhook(deps.signalBody);
  const document = createOpenApiDocument({ endpoints, webhook, publicOrigin });
  listenForKeyInvalidation(verifier, { ...deps, waiting });

  return {
    apiKeys,
    verifier,
    shownKey: createShownKey({ format, verifier }),
    keyGate: gate,
    refuseKeyInAddress,
    findKey,
    looksLikeKey,
    showsKey: (req) => req.get('x-api-key') !== undefined || /^bearer /i.test(req.get('authorization') ?? ''),
    whenKeysChange: waiting.add,
    async whyNoSocket({ id, address, scope }) {
      const key = await store.findForUse(id);
      if (key === undefined || whyNotUsable(key, clock.now()) !== undefined) return 'ended';
      const isAllowed = mayBeUsedFrom(key.addresses, address) && key.scopes.includes(scope);
      return isAllowed ? undefined : 'forbidden';
    },
    usage,
    metrics: keyMetrics.metrics,
    jobs: [usage],
    programs: createApiRouter({ endpoints, gate, waiting, document, corsOrigins }),
    router: createKeysRouter({ apiKeys, document, publicOrigin, clock }),
  };
}

/** Reports of rejected tokens, of one person. */
const REJECTION_LIMITS = [{ points: 10, durationSeconds: 60 }] as const;

function createRejectionLimiter({ redis }: ApiFeatureDeps): CompoundLimiter {
  const what = 'Reporting rejected tokens';
  return createCompoundLimiter({ name: 'api:rejection', what, limits: REJECTION_LIMITS, redis });
}

function createLimiter({ rateLimits, redis }: ApiFeatureDeps): CompoundLimiter {
  return createCompoundLimiter({ name: 'api', what: 'The API', limits: rateLimits, redis });
}
