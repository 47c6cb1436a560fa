import type { Request, Response, Router } from 'express';
import type { AuditLog } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import type { Log } from '../core/log.ts';
import type { ListStrategies, SignalsAfter } from '../core/signal.ts';
import type { FindTradedSymbol, SymbolFinder } from '../core/symbol.ts';
import { createCompoundLimiter, type RateLimit } from '../http/compound-limiter.ts';
import type { Draining } from '../http/draining.ts';
import type { Feature } from '../http/feature.ts';
import type { FindCredential } from '../http/shown-credential.ts';
import type { EpochStore } from '../revocation/epoch-store.ts';
import type { SessionActors } from '../sessions/session-actors.ts';
import type { Bus } from '../storage/bus.ts';
import type { InvalidateCached } from '../storage/cache-invalidator.ts';
import type { Caches } from '../storage/caches.ts';
import type { Database } from '../storage/database.ts';
import type { KeyRing } from '../storage/key-ring.ts';
import type { RedisClient } from '../storage/redis.ts';
import { createStrategyRouter } from './routes.ts';
import { createSignalCleanup, type SignalCleanup } from './signal-cleanup.ts';
import { createSignalDayReader, type SignalDay } from './signal-day-store.ts';
import { createSignalHistory, type SignalHistory } from './signal-history.ts';
import { createSignalHistoryStore } from './signal-history-store.ts';
import { createSignalIntake } from './signal-intake.ts';
import { createSignalJudge, type WhyBrokerNotConnected } from './signal-judge.ts';
import { createSignalCounts, createSignalMetrics } from './signal-metrics.ts';
import { createSignalPolls } from './signal-polls.ts';
import { createSignalStore } from './signal-store.ts';
import { createSignalTest } from './signal-test.ts';
import { createSignalsAfter, MOST_WAITING } from './signals-after.ts';
import { createStrategies, type Strategies } from './strategies.ts';
import { createStrategyReader } from './strategy-reader.ts';
import { createStrategyStore, type Strategy } from './strategy-store.ts';
import { toSignalOfDayView } from './strategy-view.ts';
import type { HasInstruments } from './symbol-check.ts';
import { toTradingWindow } from './trading-window.ts';
import { createShownWebhook, createWebhookRouter } from './webhook-route.ts';

export interface StrategyFeatureDeps {
  readonly database: Database;
  readonly caches: Caches;
  readonly bus: Pick<Bus, 'publish' | 'onMessage' | 'onGap'>;
  /** Counts signals for all nodes; without it each process counts by itself. */
  readonly redis: RedisClient | undefined;
  readonly keyRing: KeyRing;
  readonly invalidateCached: InvalidateCached;
  readonly epochs: EpochStore;
  readonly actors: Pick<SessionActors, 'of'>;
  readonly calendar: CutoffCalendar;
  readonly clock: Clock;
  readonly audit: AuditLog;
  readonly draining: Pick<Draining, 'onBegin'>;
  readonly log: Log;
  /** WEBHOOK_RATE_LIMIT. */
  readonly rateLimits: readonly RateLimit[];
  /** SIGNAL_RETENTION, in milliseconds. */
  readonly retentionMs: number;
  /** BASE_URL: scheme, host and port, without a slash at the end. */
  readonly publicOrigin: string;
  /** Counts a request for a webhook that there is not. Throws `rate_limited` when that is one too many. */
  readonly countStranger: (req: Request, res: Response) => void;

  readonly findSymbol: FindTradedSymbol;
  readonly searchSymbols: SymbolFinder['search'];
  readonly hasInstruments: HasInstruments;
  readonly whyBrokerNotConnected: WhyBrokerNotConnected;
  /** Names by id, in the order in which pages list them. */
  readonly brokerNames: ReadonlyMap<string, string>;
  readonly defaultBroker: (userId: string) => Promise<string | undefined>;
  /** Hears of a signal that this node took. */
  readonly onSignal: (userId: string) => void;
}

export interface StrategyFeature extends Feature {
  /** Requests from platforms: in front of everything that parses bodies or loads sessions. */
  readonly webhooks: Router;
  /** For the ban gate. */
  readonly shownWebhook: FindCredential;
  readonly strategies: Strategies;
  readonly tidying: SignalCleanup;
  readonly listStrategies: ListStrategies;
  readonly signalsAfter: SignalsAfter;
  /** A person's signals since an instant, tests aside, with so many of the latest. */
  readonly signalsSince: (
    userId: string,
    since: number,
    limit: number,
  ) => Promise<
    Omit<SignalDay, 'latest'> & { readonly latest: readonly ReturnType<typeof toSignalOfDayView>[] }
  >;
  /** Which API keys fetched signals. */
  readonly signalHistory: SignalHistory;
}

/** The whole feature, wired. Opens nothing and starts nothing. */
export function createStrategyFeature(deps: StrategyFeatureDeps): StrategyFeature {
  const { database, bus, caches, draining, keyRing, rateLimits, redis, log } = deps;
  const store = createStrategyStore(database);
  const signals = createSignalStore(database);
  const cipher = keyRing.forPurpose('strategies');
  const counts = createSignalCounts();
  const polls = createSignalPolls(MOST_WAITING);
  const history = createSignalHistoryStore(database);
  const signalHistory = createSignalHistory({ ...deps, history });
  const shared = { ...deps, store, signals, history, signalHistory, cipher, counts, polls };
  const strategies = createStrategies(shared);
  const limits = { what: 'The webhook', limits: rateLimits, redis };

  bus.onMessage((message) => {
    if (message.kind === 'signals.arrived') polls.wake(message.userId);
  });
  bus.onGap(() => polls.wake());
  caches.onClear((userId) => polls.wake(userId));
  draining.onBegin(() => polls.close());

  const reader = createStrategyReader(shared);
  const judge = createSignalJudge({ ...shared, reader });
  const takeSignal = createSignalIntake({
    ...shared,
    reader,
    judge,
    limiter: createCompoundLimiter({ ...limits, name: 'webhook' }),
    strangers: createCompoundLimiter({ ...limits, name: 'webhook:stranger' }),
    announce,
    actFor: (account, work) => database.acting.run(deps.actors.of(account), work),
  });

  /** A message that is lost costs a waiting client no signal: it looks once more when its time is over. */
  async function announce(userId: string): Promise<void> {
    polls.wake(userId);
    deps.onSignal(userId);
    try {
      await bus.publish({ kind: 'signals.arrived', userId });
    } catch (error) {
      log.warn({ err: error }, 'Other nodes could not be told of a signal');
    }
  }

  const tidying = createSignalCleanup(shared);
  const readSignalDay = createSignalDayReader(database);

  return {
    webhooks: createWebhookRouter({ ...deps, takeSignal }),
    shownWebhook: createShownWebhook(reader),
    strategies,
    router: createStrategyRouter({
      ...shared,
      strategies,
      testSignal: createSignalTest({ ...shared, reader, judge }),
    }),
    listStrategies: async (userId) => (await strategies.list(userId)).map(toSummary),
    signalsAfter: createSignalsAfter(shared),
    async signalsSince(userId, since, limit) {
      const day = await readSignalDay(userId, since, limit);
      return { ...day, latest: day.latest.map(toSignalOfDayView) };
    },
    signalHistory,
    tidying,
    jobs: [tidying, signalHistory],
    metrics: createSignalMetrics(counts, () => polls.waiting),
  };
}

function toSummary({ id, name, platform, broker, active, symbols, hours }: Strategy) {
  return { id, name, platform, broker, active, symbols, window: toTradingWindow(hours) };
}
