import { randomInt } from 'node:crypto';
import { type Kysely, type Selectable, sql } from 'kysely';
import type { LeaseOptions } from '../core/leased-queue.ts';
import type { Database } from '../storage/database.ts';
import type { Schema, TelegramBotsTable } from '../storage/schema.ts';
import { type MessageKind, readKinds } from './message-kinds.ts';

/** A person's bot. */
export interface StoredBot {
  readonly userId: string;
  /** A ciphertext. */
  readonly botToken: string;
  /** Another one with every token. */
  readonly version: number;
  /** Without the @; undefined where Telegram could not be asked. */
  readonly name: string | undefined;
  readonly chatId: string | undefined;
  readonly linkCode: string;
  readonly kinds: readonly MessageKind[];
  /** Milliseconds since the epoch. */
  readonly setAt: number;
  readonly problem: string | undefined;
}

/** A bot that one node may send with now, and no other. */
export interface ClaimedBot extends StoredBot {
  /** Tells this claim from a later one. */
  readonly claim: number;
  readonly chatId: string;
  readonly answeredAt: number;
  readonly paceMs: number;
  readonly failures: number;
}

/** How a claim ends. */
export interface Settlement {
  readonly nextSendAt: number;
  /** Undefined: all is well. */
  readonly problem: string | undefined;
  readonly failures: number;
  /** Where Telegram has answered yes or no: when, and how many ms are left afterwards. */
  readonly answered?: { readonly at: number; readonly paceMs: number };
}

export interface NewBot {
  /** A ciphertext. */
  readonly botToken: string;
  readonly name: string | undefined;
  /** For a person's first bot. */
  readonly linkCode: string;
  readonly kinds: readonly MessageKind[];
}

/** A bot, and the events that its user wants to hear of. */
export interface Subscription {
  readonly userId: string;
  readonly kinds: readonly MessageKind[];
}

/** People's bots, one each. Instants in ms since the epoch. */
export interface BotStore {
  find(userId: string): Promise<StoredBot | undefined>;
  /** In the place of the one before, whose chat and choice of events stay. */
  save(userId: string, bot: NewBot, now: number): Promise<void>;
  /** False without a bot; as the following ones. */
  saveChat(userId: string, chatId: string): Promise<boolean>;
  saveKinds(userId: string, kinds: readonly MessageKind[]): Promise<boolean>;
  /** How a message went that was sent past the queue, and that the queue is not to send before. */
  saveTest(userId: string, problem: string | undefined, nextSendAt: number): Promise<boolean>;
  remove(userId: string): Promise<boolean>;
  /** Of those among these people whose bot knows where to write to. */
  listSubscriptions(userIds: readonly string[]): Promise<readonly Subscription[]>;
  /** Users who are to be told of this, have a chat, and have no message with this key and their id behind it yet. */
  listWithoutMessage(kind: MessageKind, keyPrefix: string): Promise<readonly string[]>;
  /** Takes up to `limit` bots that have messages due, for `leaseMs`: until then no other node gets them. */
  claimDue(lease: LeaseOptions): Promise<readonly ClaimedBot[]>;
  /** Changes nothing when the claim has run out and another node has it. */
  settle(bot: ClaimedBot, settlement: Settlement): Promise<void>;
  /** The group that the bot writes to has got another id. */
  moveChat(bot: ClaimedBot, chatId: string): Promise<void>;
}

/** SQLite takes no more than some thousands of values in one statement. */
const MOST_NAMED = 500;
const VERSIONS = 2 ** 47;

export function createBotStore({ db }: Database): BotStore {
  async function update(userId: string, columns: Partial<TelegramBotsTable>): Promise<boolean> {
    const { numUpdatedRows } = await db
      .updateTable('telegram_bots')
      .set(columns)
      .where('user_id', '=', userId)
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  return {
    ...createBotClaims(db),

    ...createSubscriptionReads(db),

    async find(userId) {
      const row = await db
        .selectFrom('telegram_bots')
        .selectAll()
        .where('user_id', '=', userId)
        .executeTakeFirst();
      return row === undefined ? undefined : toBot(row);
    },

    async save(userId, { botToken, name, linkCode, kinds }, now) {
      const columns = {
        bot_token: botToken,
        bot_name: name ?? null,
        version: randomInt(VERSIONS),
        set_at: now,
        problem: null,
        failures: 0,
        next_send_at: now,
      };
      await db
        .insertInto('telegram_bots')
        .values({
          user_id: userId,
          ...columns,
          chat_id: null,
          link_code: linkCode,
          events: kinds.join(','),
          claims: 0,
          answered_at: 0,
          pace_ms: 0,
        })
        .onConflict((conflict) => conflict.column('user_id').doUpdateSet(columns))
        .execute();
    },

    saveChat: (userId, chatId) => update(userId, { chat_id: chatId, problem: null }),
    saveKinds: (userId, kinds) => update(userId, { events: kinds.join(',') }),

    async saveTest(userId, problem, nextSendAt) {
      const { numUpdatedRows } = await db
        .updateTable('telegram_bots')
        .set((eb) => ({
          problem: problem ?? null,
          // Never earlier than it was: the queue may have claimed the bot until then.
          next_send_at: eb
            .case()
            .when('next_send_at', '<', nextSendAt)
            .then(nextSendAt)
            .else(eb.ref('next_send_at'))
            .end(),
        }))
        .where('user_id', '=', userId)
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    },

    async remove(userId) {
      return db.transaction().execute(async (trx) => {
        await trx.deleteFrom('telegram_messages').where('user_id', '=', userId).execute();
        const { numDeletedRows } = await trx
          .deleteFrom('telegram_bots')
          .where('user_id', '=', userId)
          .executeTakeFirst();
        return numDeletedRows > 0n;
      });
    },
  };
}

function createBotClaims(db: Kysely<Schema>): Pick<BotStore, 'claimDue' | 'settle' | 'moveChat'> {
  const ofClaim = (bot: ClaimedBot) =>
    db.updateTable('telegram_bots').where('user_id', '=', bot.userId).where('claims', '=', bot.claim);

  return {
    async claimDue({ now, limit, leaseMs }) {
      const rows = await db
        .updateTable('telegram_bots')
        .set((eb) => ({ next_send_at: now + leaseMs, claims: eb('claims', '+', 1) }))
        .where('user_id', 'in', (eb) =>
          eb
            .selectFrom('telegram_messages as message')
            .innerJoin('telegram_bots as bot', 'bot.user_id', 'message.user_id')
            .select('message.user_id')
            .distinct()
            // Literally, or SQLite would not see that the index of the open ones fits.
            .where('message.status', '=', sql.lit('open'))
            .where('message.send_at', '<=', now)
            .where('bot.next_send_at', '<=', now)
            .where('bot.chat_id', 'is not', null)
            .limit(limit),
        )
        // Said again outside: Postgres asks it again of a row that another node has just moved.
        .where('next_send_at', '<=', now)
        .returningAll()
        .execute();
      return rows.flatMap(toClaim);
    },

    async settle(bot, { nextSendAt, problem, failures, answered }) {
      await ofClaim(bot)
        .set({
          next_send_at: nextSendAt,
          problem: problem ?? null,
          failures,
          ...(answered === undefined ? {} : { answered_at: answered.at, pace_ms: answered.paceMs }),
        })
        .execute();
    },

    async moveChat(bot, chatId) {
      await ofClaim(bot).set({ chat_id: chatId }).where('chat_id', '=', bot.chatId).execute();
    },
  };
}

function createSubscriptionReads(
  db: Kysely<Schema>,
): Pick<BotStore, 'listSubscriptions' | 'listWithoutMessage'> {
  return {
    async listSubscriptions(userIds) {
      const among = new Set(userIds);
      if (among.size === 0) return [];
      const rows = await db
        .selectFrom('telegram_bots')
        .select(['user_id', 'events'])
        .where('chat_id', 'is not', null)
        // All of them where those would be too many to name: a sweep ends all sessions, and few users have a bot.
        .$if(among.size <= MOST_NAMED, (query) => query.where('user_id', 'in', [...among]))
        .execute();
      return rows
        .filter((row) => among.has(row.user_id))
        .map((row) => ({ userId: row.user_id, kinds: readKinds(row.events) }));
    },

    async listWithoutMessage(kind, keyPrefix) {
      const rows = await db
        .selectFrom('telegram_bots as bot')
        .leftJoin('telegram_messages as message', (join) =>
          join.on((eb) => eb('message.dedupe_key', '=', eb(eb.val(keyPrefix), '||', eb.ref('bot.user_id')))),
        )
        .select(['bot.user_id', 'bot.events'])
        .where('bot.chat_id', 'is not', null)
        .where('message.id', 'is', null)
        .execute();
      return rows.filter((row) => readKinds(row.events).includes(kind)).map((row) => row.user_id);
    },
  };
}

function toBot(row: Selectable<TelegramBotsTable>): StoredBot {
  return {
    userId: row.user_id,
    botToken: row.bot_token,
    version: row.version,
    name: row.bot_name ?? undefined,
    chatId: row.chat_id ?? undefined,
    linkCode: row.link_code,
    kinds: readKinds(row.events),
    setAt: row.set_at,
    problem: row.problem ?? undefined,
  };
}

function toClaim(row: Selectable<TelegramBotsTable>): readonly ClaimedBot[] {
  const { chat_id: chatId, claims: claim, answered_at: answeredAt, pace_ms: paceMs, failures } = row;
  return chatId === null ? [] : [{ ...toBot(row), chatId, claim, answeredAt, paceMs, failures }];
}
