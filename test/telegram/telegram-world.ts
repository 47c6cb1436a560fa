import { createCutoffCalendar } from '../../src/core/cutoff.ts';
import { createCacheInvalidator } from '../../src/storage/cache-invalidator.ts';
import { createCaches } from '../../src/storage/caches.ts';
import type { Database } from '../../src/storage/database.ts';
import { createKeyRing } from '../../src/storage/key-ring.ts';
import { createBotApi } from '../../src/telegram/bot-api.ts';
import { createBotStore } from '../../src/telegram/bot-store.ts';
import { createBots } from '../../src/telegram/bots.ts';
import { createEventListener } from '../../src/telegram/event-listener.ts';
import { createLinkSeal } from '../../src/telegram/link-seal.ts';
import { createMessageQueue } from '../../src/telegram/message-queue.ts';
import { createMessageStore, type NewMessage } from '../../src/telegram/message-store.ts';
import { createRecordingAudit } from '../broker/recording-audit.ts';
import { createRecordingLog } from '../broker/recording-log.ts';
import { addUser, emptyTables } from '../support/databases.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTelegramServer, type TelegramServer } from '../support/telegram-server.ts';

export const TOKEN = '123456789:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc';
export const CHAT = '4711';
export const ORIGIN = { actor: 'asha' };

const KEY = Buffer.alloc(32, 7).toString('base64url');
const DAY_MS = 86_400_000;

/** On a Monday morning, two people on an empty database, and a Bot API server of their own. */
export async function openTelegramWorld(database: Database) {
  await emptyTables(database);
  await addUser(database, 'asha');
  await addUser(database, 'ravi');
  const clock = createSettableClock('2026-11-23T10:00:00+05:30');
  const telegram = await startTelegramServer(clock);
  return { clock, telegram, world: createTelegramWorld(database, telegram, clock) };
}

/** The room's parts on a real database and a Bot API server, with a clock that a test moves. */
export function createTelegramWorld(database: Database, telegram: TelegramServer, clock: SettableClock) {
  const calendar = createCutoffCalendar({ clock, cutoffTime: () => ({ hour: 3, minute: 0 }) });
  const audit = createRecordingAudit();
  const log = createRecordingLog();
  const botStore = createBotStore(database);
  const messageStore = createMessageStore(database);
  const botApi = createBotApi({ apiRoot: telegram.url, timeoutMs: 2000 });
  const keyRing = createKeyRing({ keys: [KEY], clock });
  const counted = { decryptions: 0, published: 0 };
  const signedIn = new Set(['asha', 'ravi']);

  const linkSeal = createLinkSeal(keyRing.forPurpose('telegram-link'), 'https://curfew.example/sessions');

  /** A node: a memory and a queue of its own. */
  function createNode() {
    const caches = createCaches({ clock, calendar });
    const bus = {
      publish: async () => {
        counted.published += 1;
      },
    };
    const invalidateCached = createCacheInvalidator({ caches, bus, log });
    const real = keyRing.forPurpose('telegram');
    const cipher = {
      ...real,
      decrypt(text: string) {
        counted.decryptions += 1;
        return real.decrypt(text);
      },
    };
    const bots = createBots({
      botStore,
      cipher,
      caches,
      invalidateCached,
      isSignedIn: async (userId) => signedIn.has(userId),
      clock,
      audit,
    });
    const queue = createMessageQueue({
      botStore,
      messageStore,
      bots,
      botApi,
      linkSeal,
      clock,
      log,
      random: () => 0,
    });
    return { caches, bots, queue };
  }
  const node = createNode();

  const listener = createEventListener({
    botStore,
    messageStore,
    wakeMessages: node.queue.wake,
    clock,
    brokerName: (broker) => (broker === 'kite' ? 'Zerodha' : broker),
    listAdministrators: async () => ['ravi'],
    publicOrigin: 'https://curfew.example',
    deviceLink: async (_userId, device) => `https://curfew.example/auth/device/${device}`,
    linkSeal,
  });

  return {
    ...node,
    createNode,
    database,
    telegram,
    clock,
    calendar,
    audit,
    log,
    botStore,
    messageStore,
    botApi,
    counted,
    signedIn,
    listener,
    /** A bot that knows its chat. */
    async giveBot(userId: string, { token = TOKEN, chat = CHAT } = {}): Promise<void> {
      telegram.addBot(token, `${userId}_bot`);
      telegram.addChat(chat);
      await node.bots.saveToken(userId, { botToken: token, name: `${userId}_bot` }, ORIGIN);
      await node.bots.saveChat(userId, chat, ORIGIN);
    },
    add: (userId: string, body: string, changes: Partial<NewMessage> = {}) =>
      messageStore.add(
        [
          {
            userId,
            kind: 'session_ended',
            body,
            sendAt: clock.now(),
            expiresAt: clock.now() + DAY_MS,
            ...changes,
          },
        ],
        clock.now(),
      ),
    messageRows: () => database.db.selectFrom('telegram_messages').selectAll().orderBy('id').execute(),
    botRow: (userId: string) =>
      database.db
        .selectFrom('telegram_bots')
        .selectAll()
        .where('user_id', '=', userId)
        .executeTakeFirstOrThrow(),
  };
}

export type TelegramWorld = ReturnType<typeof createTelegramWorld>;
