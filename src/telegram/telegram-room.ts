import type { AuditListener, AuditLog } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import type { Log } from '../core/log.ts';
import { type CompoundLimiterDeps, createCompoundLimiter } from '../http/compound-limiter.ts';
import type { MetricSource } from '../http/metrics.ts';
import type { ForgetCached } from '../storage/cache-forgetter.ts';
import type { Caches } from '../storage/caches.ts';
import type { Database } from '../storage/database.ts';
import type { KeyRing } from '../storage/key-ring.ts';
import { createBotApi } from './bot-api.ts';
import { createBotSetup } from './bot-setup.ts';
import { createBotStore } from './bot-store.ts';
import { createBots } from './bots.ts';
import { type CutoffReminder, createCutoffReminder } from './cutoff-reminder.ts';
import { createEventListener } from './event-listener.ts';
import { createMessageQueue, type MessageQueue } from './message-queue.ts';
import { createMessageStore } from './message-store.ts';
import { createTelegramMetrics } from './telegram-metrics.ts';
import type { TelegramPageDeps } from './telegram-page.ts';

export interface TelegramRoomDeps {
  readonly database: Database;
  readonly caches: Caches;
  readonly forgetCached: ForgetCached;
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
  /** What people call a broker, by its id. */
  readonly brokerName: (broker: string) => string;
  readonly listAdministrators: () => Promise<readonly string[]>;
  readonly alertMinutesOf: (userId: string) => Promise<number>;
  readonly isSignedIn: (userId: string) => Promise<boolean>;
}

export interface TelegramRoom {
  /** For the audit log. */
  readonly listener: AuditListener;
  /** To be started once the server listens, and stopped when it closes. */
  readonly queue: MessageQueue;
  /** The same. */
  readonly reminder: CutoffReminder;
  readonly metrics: MetricSource;
  /** Messages of everybody that wait, and that were given up. */
  readonly countMessages: () => Promise<{ readonly open: number; readonly failed: number }>;
  readonly routes: TelegramPageDeps;
}

/** What a person may have Telegram asked from the page. */
const PAGE_LIMITS = [{ points: 10, durationSeconds: 60 }] as const;

/** The whole room, wired. Opens nothing and starts nothing. */
export function createTelegramRoom(deps: TelegramRoomDeps): TelegramRoom {
  const botStore = createBotStore(deps.database);
  const messageStore = createMessageStore(deps.database);
  const botApi = createBotApi(deps);
  const bots = createBots({ ...deps, botStore, cipher: deps.keyRing.forPurpose('telegram') });
  const shared = { ...deps, botStore, messageStore, botApi, bots };
  const queue = createMessageQueue(shared);
  const wakeMessages = queue.wake;
  const limiter = createCompoundLimiter({
    name: 'telegram:page',
    what: 'Telegram',
    limits: PAGE_LIMITS,
    redis: deps.redis,
  });

  return {
    listener: createEventListener({ ...shared, wakeMessages }),
    queue,
    reminder: createCutoffReminder({ ...shared, wakeMessages }),
    metrics: createTelegramMetrics(messageStore),
    countMessages: messageStore.countOpenAndFailed,
    routes: { bots, messageStore, limiter, clock: deps.clock, setup: createBotSetup(shared) },
  };
}
