import { randomBytes } from 'node:crypto';
import { type AuditLog, type AuditOrigin, SYSTEM_ORIGIN } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import type { InvalidateCached } from '../storage/cache-invalidator.ts';
import type { Caches } from '../storage/caches.ts';
import type { Cipher } from '../storage/key-ring.ts';
import type { BotStore, StoredBot } from './bot-store.ts';
import { MESSAGE_KINDS, type MessageKind } from './message-kinds.ts';

/** People's bots: their tokens go in and come out for sending only. */
export interface Bots {
  find(userId: string): Promise<StoredBot | undefined>;
  /** The token of a bot as it was found; undefined where no key of ENCRYPTION_KEY reads it. */
  tokenOf(bot: StoredBot): Promise<string | undefined>;
  saveToken(userId: string, token: BotToken, origin: AuditOrigin): Promise<void>;
  /** False for a user without a bot; the next one too. */
  saveChat(userId: string, chatId: string, origin: AuditOrigin): Promise<boolean>;
  saveKinds(userId: string, kinds: readonly MessageKind[], origin: AuditOrigin): Promise<boolean>;
  /** With everything that it was still to send. */
  remove(userId: string, origin: AuditOrigin): Promise<void>;
}

export interface BotToken {
  readonly botToken: string;
  /** The bot's name at Telegram, where it could be asked. */
  readonly name: string | undefined;
}

export interface BotsDeps {
  readonly botStore: BotStore;
  readonly cipher: Cipher;
  readonly caches: Caches;
  readonly invalidateCached: InvalidateCached;
  readonly isSignedIn: (userId: string) => Promise<boolean>;
  readonly clock: Clock;
  readonly audit: AuditLog;
}

/** A person has one bot. */
const KEY = 'bot';
/** It lets its holder have messages sent to their own chat. 96 bits; t.me takes 64 characters of this alphabet. */
const LINK_CODE_BYTES = 12;

/**
 * Reads through the telegram cache. A copy counts only for the very token whose row was just read: so neither a message
 * that was lost nor a removed bot can keep an old one in use. It is kept for people who are signed in: what is sent after
 * the end of a session, about that end perhaps, leaves nothing behind.
 */
export function createBots(deps: BotsDeps): Bots {
  const { botStore, cipher, caches, invalidateCached, isSignedIn, clock, audit } = deps;
  const cache = caches.of.telegram;

  return {
    find: botStore.find,

    async tokenOf({ userId, botToken, version }) {
      const cached = cache.get(userId, KEY);
      if (cached?.version === version) return cached.botToken;
      const decrypted = cipher.decrypt(botToken);
      if (decrypted.kind === 'unreadable') {
        await audit.record({ type: 'telegram.bot_unreadable', userId }, SYSTEM_ORIGIN);
        return undefined;
      }
      cache.set(userId, KEY, { botToken: decrypted.text, version });
      // Afterwards: who ends sessions clears the caches once they are gone, so one of the two sees the other.
      if (!(await isSignedIn(userId).catch(() => false))) cache.delete(userId, KEY);
      return decrypted.text;
    },

    async saveToken(userId, { botToken, name }, origin) {
      const bot = {
        botToken: cipher.encrypt(botToken),
        name,
        linkCode: randomBytes(LINK_CODE_BYTES).toString('base64url'),
        kinds: MESSAGE_KINDS,
      };
      await botStore.save(userId, bot, clock.now());
      await invalidateCached('telegram', userId);
      await audit.record({ type: 'telegram.bot_saved', userId, bot: name ?? '' }, origin);
    },

    async saveChat(userId, chat, origin) {
      const saved = await botStore.saveChat(userId, chat);
      if (saved) await audit.record({ type: 'telegram.chat_saved', userId, chat }, origin);
      return saved;
    },

    async saveKinds(userId, kinds, origin) {
      const saved = await botStore.saveKinds(userId, kinds);
      if (saved) await audit.record({ type: 'telegram.events_chosen', userId, events: kinds }, origin);
      return saved;
    },

    async remove(userId, origin) {
      const removed = await botStore.remove(userId);
      await invalidateCached('telegram', userId);
      if (removed) await audit.record({ type: 'telegram.bot_removed', userId }, origin);
    },
  };
}
