import type { RequestHandler } from 'express';
import type { AlertThresholds } from '../core/alert.ts';
import type { AuditListener, AuditLog } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Feature } from '../http/feature.ts';
import type { FindCredential } from '../http/shown-credential.ts';
import type { Bus } from '../storage/bus.ts';
import type { Database } from '../storage/database.ts';
import { createAllowlistStore } from './allowlist-store.ts';
import { readBanVersion } from './ban-change-store.ts';
import { createBanGate } from './ban-gate.ts';
import { createBanHitStore } from './ban-hit-store.ts';
import { createBanHits } from './ban-hits.ts';
import { createBanIndex } from './ban-index.ts';
import { createBanMetrics } from './ban-metrics.ts';
import { createBanPass } from './ban-pass.ts';
import { type BanRuleStore, createBanRuleStore } from './ban-rule-store.ts';
import { type BanStore, createBanStore } from './ban-store.ts';
import { type BanUpkeep, createBanUpkeep } from './ban-upkeep.ts';
import { type Bans, createBans } from './bans.ts';
import { createKnownAddressStore } from './known-address-store.ts';
import { createKnownAddresses, type KnownAddresses } from './known-addresses.ts';
import { createOffenceThrottle } from './offence-throttle.ts';
import { createPathWatch, type LiveSession, type PathWatch } from './path-watch.ts';
import { createProtectedAddresses, type ProtectedAddresses } from './protected-addresses.ts';
import { createBanRouter } from './routes.ts';

export interface BanFeatureDeps {
  readonly database: Database;
  readonly bus: Pick<Bus, 'publish' | 'onMessage' | 'onGap'>;
  readonly clock: Clock;
  readonly audit: AuditLog;
  readonly log: Log;
  /** TRUST_PROXY. */
  readonly trustProxy: readonly string[];
  /** Addresses that many people send through, so that no single one can answer for them: never banned automatically. */
  readonly sharedSenders: readonly string[];
  readonly liveSession: LiveSession;
  /** With which of these a request comes in from a banned address as well. */
  readonly credentials: readonly FindCredential[];
}

export interface BanFeature extends Feature {
  /** In front of everything but the health probes. */
  readonly gate: RequestHandler;
  readonly pathWatch: PathWatch;
  /** Reads the bans; otherwise the first request waits for it, and is refused while the database is away. */
  readonly load: () => Promise<void>;
  /** Counts an API key that looks like a guess. Never throws. Returns how many seconds the next one has to wait, if it has. */
  readonly noteGuessedKey: (address: string) => number | undefined;
  /** Remembers where people sign in. */
  readonly listener: AuditListener;
  readonly knownAddresses: KnownAddresses;
  /** For the command line, too. */
  readonly bans: Bans;
  readonly whyProtected: ProtectedAddresses['whyProtected'];
  readonly banStore: BanStore;
  readonly ruleStore: BanRuleStore;
  /** Bans in force at this moment. */
  readonly countActive: () => number;
  readonly alertThresholds: () => AlertThresholds;
  readonly upkeep: BanUpkeep;
  /** Of this node: what counts towards bans and is not counted yet. */
  readonly countWaitingHits: () => number;
}

/** The whole feature, wired. Opens nothing and starts nothing. */
export function createBanFeature(deps: BanFeatureDeps): BanFeature {
  const { database, bus, log } = deps;
  const banStore = createBanStore(database);
  const ruleStore = createBanRuleStore(database);
  const allowlistStore = createAllowlistStore(database);
  const hitStore = createBanHitStore(database);
  const knownStore = createKnownAddressStore(database);
  const protectedAddresses = createProtectedAddresses(deps);
  const throttle = createOffenceThrottle(deps);
  const knownAddresses = createKnownAddresses({ ...deps, knownStore, protectedAddresses });
  const shared = { protectedAddresses, knownAddresses, throttle };
  const stores = { ...deps, ...shared, banStore, ruleStore, allowlistStore, hitStore };

  const banIndex = createBanIndex({ ...stores, readVersion: () => readBanVersion(database) });
  const bans = createBans({ ...stores, banIndex });
  const hits = createBanHits({ ...stores, banIndex, banOffender: bans.banOffender });
  const gate = createBanGate({ ...stores, banIndex, hits, mayPass: createBanPass(deps.credentials) });
  const upkeep = createBanUpkeep({ ...stores, banIndex, bans });

  bus.onMessage((message) => {
    if (message.kind === 'bans.changed') catchUp(banIndex.follow(message.version, message.change));
  });
  bus.onGap(() => catchUp(banIndex.isLoaded ? banIndex.load() : Promise.resolve()));

  /** The monitor finds a change that fails here. */
  function catchUp(work: Promise<void>): void {
    work.catch((error: unknown) => log.warn({ err: error }, 'A change of bans could not be followed yet'));
  }

  return {
    gate: gate.middleware,
    pathWatch: createPathWatch({ ...stores, banIndex, hits }),
    load: banIndex.load,
    noteGuessedKey: (address) => hits.note('invalid_api_keys', address),
    listener: knownAddresses.listener,
    knownAddresses,
    bans,
    banStore,
    ruleStore,
    countActive: banIndex.countActive,
    alertThresholds: () => banIndex.rules().alerts,
    jobs: upkeep.watches,
    whyProtected: protectedAddresses.whyProtected,
    upkeep,
    countWaitingHits: () => hits.waiting,
    metrics: createBanMetrics({ banIndex, gate, hits, throttle }),
    router: createBanRouter({ ...stores, bans }),
  };
}
