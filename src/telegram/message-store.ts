import { sql } from 'kysely';
import type { Database } from '../storage/database.ts';

export interface NewMessage {
  readonly userId: string;
  readonly kind: string;
  /** In Telegram's HTML. */
  readonly body: string;
  /** Milliseconds since the epoch, both. */
  readonly sendAt: number;
  readonly expiresAt: number;
  /** Of messages with the same key there is one. */
  readonly dedupeKey?: string;
  /** Name for `release`. */
  readonly awaits?: string;
}

export interface OpenMessage {
  readonly id: number;
  readonly kind: string;
  readonly body: string;
  readonly expiresAt: number;
}

/** The outcome of a message, for its user. */
export interface MessageRecord {
  readonly id: number;
  readonly kind: string;
  readonly createdAt: number;
  readonly status: 'open' | 'sent' | 'failed';
  readonly why: string | undefined;
}

/** The messages that bots are to send. Instants in ms since the epoch. */
export interface MessageStore {
  add(messages: readonly NewMessage[], now: number): Promise<void>;
  /** Adds to what awaits it, and lets it be sent. */
  release(awaits: string, appendix: string, now: number): Promise<void>;
  /** Oldest first. */
  listDue(userId: string, now: number, limit: number): Promise<readonly OpenMessage[]>;
  /** `merged` are no messages of their own any more: one of the others says it for them. */
  markSent(ids: readonly number[], merged: readonly number[], now: number): Promise<void>;
  markFailed(ids: readonly number[], why: string, now: number): Promise<void>;
  /** Newest first. */
  listRecent(userId: string, limit: number): Promise<readonly MessageRecord[]>;
  countOpenAndFailed(): Promise<{ readonly open: number; readonly failed: number }>;
  /** Forgets what was sent or given up before, and of the rest of that what is not among the newest `most` messages. */
  forgetEnded(before: number, most: number): Promise<void>;
}

const ROWS_AT_ONCE = 500;

export function createMessageStore({ db }: Database): MessageStore {
  const openOnes = (ids: readonly number[]) =>
    db.updateTable('telegram_messages').where('id', 'in', ids).where('status', '=', 'open');

  /** Literally, or SQLite would not see that the index of these fits. */
  async function count(status: 'open' | 'failed'): Promise<number> {
    const { messages } = await db
      .selectFrom('telegram_messages')
      .select((eb) => eb.fn.countAll<number>().as('messages'))
      .where('status', '=', sql.lit(status))
      .executeTakeFirstOrThrow();
    return Number(messages);
  }

  return {
    async add(messages, now) {
      for (let start = 0; start < messages.length; start += ROWS_AT_ONCE) {
        const rows = messages.slice(start, start + ROWS_AT_ONCE).map((message) => toRow(message, now));
        await db
          .insertInto('telegram_messages')
          .values(rows)
          .onConflict((conflict) => conflict.column('dedupe_key').doNothing())
          .execute();
      }
    },

    async release(awaits, appendix, now) {
      await db
        .updateTable('telegram_messages')
        .set((eb) => ({ body: eb('body', '||', appendix), send_at: now, awaits: null }))
        .where('awaits', '=', awaits)
        .where('status', '=', 'open')
        .execute();
    },

    async listDue(userId, now, limit) {
      const rows = await db
        .selectFrom('telegram_messages')
        .select(['id', 'kind', 'body', 'expires_at'])
        .where('user_id', '=', userId)
        .where('status', '=', 'open')
        .where('send_at', '<=', now)
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.map(({ id, kind, body, expires_at }) => ({ id, kind, body, expiresAt: expires_at }));
    },

    async markSent(ids, merged, now) {
      if (merged.length > 0) await db.deleteFrom('telegram_messages').where('id', 'in', merged).execute();
      if (ids.length > 0) await openOnes(ids).set({ status: 'sent', ended_at: now }).execute();
    },

    async markFailed(ids, why, now) {
      if (ids.length > 0) await openOnes(ids).set({ status: 'failed', ended_at: now, why }).execute();
    },

    async listRecent(userId, limit) {
      const rows = await db
        .selectFrom('telegram_messages')
        .select(['id', 'kind', 'created_at', 'status', 'why'])
        .where('user_id', '=', userId)
        .orderBy('id', 'desc')
        .limit(limit)
        .execute();
      return rows.map(({ created_at, why, ...row }) => ({
        ...row,
        createdAt: created_at,
        why: why ?? undefined,
      }));
    },

    async countOpenAndFailed() {
      return { open: await count('open'), failed: await count('failed') };
    },

    async forgetEnded(before, most) {
      await db.deleteFrom('telegram_messages').where('ended_at', '<', before).execute();
      await db
        .deleteFrom('telegram_messages')
        .where('status', '!=', 'open')
        .where('id', '<=', (eb) =>
          eb
            .selectFrom('telegram_messages as newest')
            .select(sql<number>`max(newest.id) - ${most}`.as('last')),
        )
        .execute();
    },
  };
}

function toRow(message: NewMessage, now: number) {
  return {
    user_id: message.userId,
    kind: message.kind,
    body: message.body,
    created_at: now,
    send_at: message.sendAt,
    expires_at: message.expiresAt,
    status: 'open' as const,
    ended_at: null,
    why: null,
    dedupe_key: message.dedupeKey ?? null,
    awaits: message.awaits ?? null,
  };
}
