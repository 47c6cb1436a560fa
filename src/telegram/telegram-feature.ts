import type { AuditListener, AuditLog } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import type { Log } from '../core/log.ts';
import { type CompoundLimiterDeps, createCompoundLimiter } from '../http/compound-limiter.ts';
import type { Feature } from '../http/feature.ts';
import { gauge, type Metric, samplesBy } from '../http/metrics.ts';
import type { InvalidateCached } from '../storage/cache-invalidator.ts';
import type { Caches } from '../storage/caches.ts';
import type { Database } from '../storage/database.ts';
import type { KeyRing } from '../storage/key-ring.ts';
import { createBotApi } from './bot-api.ts';
import { createBotSetup } from './bot-setup.ts';
import { createBotStore } from './bot-store.ts';
import { type Bots, createBots } from './bots.ts';
import { type CutoffReminder, createCutoffReminder } from './cutoff-reminder.ts';
import { createEventListener } from './event-listener.ts';
import { createLinkSeal } from './link-seal.ts';
import { createMessageQueue, type MessageQueue } from './message-queue.ts';
import { createMessageStore, type MessageStore } from './message-store.ts';
import { createTelegramRouter } from './routes.ts';

export interface TelegramFeatureDeps {
  readonly database: Database;
  readonly caches: Caches;
  readonly invalidateCached: InvalidateCached;
  readonly keyRing: KeyRing;
  readonly redis: CompoundLimiterDeps['redis'];
  readonly calendar: CutoffCalendar;
  readonly clock: Clock;
  readonly audit: AuditLog;
  readonly log: Log;
  /** TELEGRAM_API_URL. */
  readonly apiRoot: string;
  /** BASE_URL. */
  readonly publicOrigin: string;
  /** Name of a broker, by its id. */
  readonly brokerName: (broker: string) => string;
  readonly listAdministrators: () => Promise<readonly string[]>;
  readonly alertMinutesOf: (userId: string) => Promise<number>;
  /** A link that ends the session of a device. */
  readonly deviceLink: (userId: string, deviceId: string) => Promise<string>;
  readonly isSignedIn: (userId: string) => Promise<boolean>;
}

export interface TelegramFeature extends Feature {
  /** For the audit log. */
  readonly listener: AuditListener;
  readonly bots: Bots;
  readonly queue: MessageQueue;
  readonly reminder: CutoffReminder;
  /** All messages that wait, and that were given up. */
  readonly countMessages: () => Promise<{ readonly open: number; readonly failed: number }>;
}

/** Limits of a user's requests to Telegram from the page. */
const PAGE_LIMITS = [{ points: 10, durationSeconds: 60 }] as const;

/** The whole feature, wired. Opens nothing and starts nothing. */
export function createTelegramFeature(deps: TelegramFeatureDeps): TelegramFeature {
  const botStore = createBotStore(deps.database);
  const messageStore = createMessageStore(deps.database);
  const botApi = createBotApi(deps);
  const bots = createBots({ ...deps, botStore, cipher: deps.keyRing.forPurpose('telegram') });
  const linkSeal = createLinkSeal(deps.keyRing.forPurpose('telegram-link'), `${deps.publicOrigin}/sessions`);
  const shared = { ...deps, linkSeal, botStore, messageStore, botApi, bots };
  const queue = createMessageQueue(shared);
  const wakeMessages = queue.wake;
  const limiter = createCompoundLimiter({
    name: 'telegram:page',
    what: 'Telegram',
    limits: PAGE_LIMITS,
    redis: deps.redis,
  });

  const reminder = createCutoffReminder({ ...shared, wakeMessages });

  return {
    listener: createEventListener({ ...shared, wakeMessages }),
    bots,
    queue,
    reminder,
    jobs: [queue, reminder],
    metrics: createTelegramMetrics(messageStore),
    countMessages: messageStore.countOpenAndFailed,
    router: createTelegramRouter({
      bots,
      messageStore,
      limiter,
      clock: deps.clock,
      setup: createBotSetup(shared),
    }),
  };
}

/** Of all nodes together: messages to Telegram that wait, and those of the last days that failed for good. */
function createTelegramMetrics(messageStore: Pick<MessageStore, 'countOpenAndFailed'>): readonly Metric[] {
  return [
    gauge({
      name: 'curfew_telegram_messages',
      help: 'Messages to Telegram: still to be sent (open), or failed for good in the last seven days (failed).',
      labelNames: ['status'],
      read: async () => samplesBy('status', Object.entries(await messageStore.countOpenAndFailed())),
    }),
  ];
}
