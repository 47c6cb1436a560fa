import type { Kysely } from 'kysely';
import type { Database } from '../storage/database.ts';
import type { BrokerTokensTable, Schema } from '../storage/schema.ts';
import { CONNECTION_END_REASONS, type Connection, type ConnectionEndReason } from './connection.ts';
import { insertLogouts, type QueuedLogout } from './logout-store.ts';

/** A connection as it begins. The tokens are ciphertexts. */
export type NewConnection = Omit<Connection, 'accessToken' | 'ended'> & { readonly accessToken: string };

/** Which connections are to end. */
export type ConnectionsToEnd =
  | { readonly kind: 'one'; readonly id: string }
  | { readonly kind: 'of_broker'; readonly userId: string; readonly broker: string }
  | { readonly kind: 'through_epoch'; readonly userId: string; readonly epoch: number }
  | { readonly kind: 'issued_before'; readonly before: number; readonly userId?: string };

export interface EndConnectionsOptions {
  readonly reason: ConnectionEndReason;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** How many connections one transaction ends at most: whoever wants more calls again. */
export const END_BATCH = 500;
const OWNERS_AT_ONCE = 500;

export interface EndedConnection {
  readonly userId: string;
  readonly broker: string;
  readonly hadFeedToken: boolean;
  /** False when the broker has ended the token by itself already. */
  readonly logoutQueued: boolean;
}

/** The day's broker tokens, one live connection at most for a person and broker. */
export interface TokenStore {
  /** The one that nobody has ended; else the one that was issued last. */
  findLatest(userId: string, broker: string): Promise<Connection | undefined>;
  /** Whether nobody has ended it. */
  isOpen(id: string): Promise<boolean>;
  /** How many of those that nobody has ended began before an instant (ms since the epoch). */
  countOpenBefore(before: number): Promise<number>;
  /** Everybody who has one that nobody has ended; in portions. */
  listOwnersOfOpen(): AsyncIterable<readonly string[]>;
  /** Puts it in the place of an older one, which ends as `replaced`. */
  replace(connection: NewConnection, now: number): Promise<void>;
  /**
   * Ends connections: marks and wipes them, and moves the access tokens that the broker may still honour to the
   * logout queue, in one transaction. What has ended before is left alone and not counted. `END_BATCH` at most.
   */
  end(which: ConnectionsToEnd, options: EndConnectionsOptions): Promise<readonly EndedConnection[]>;
}

/** How often a connection may be replaced by another node between two statements before that is no coincidence. */
const REPLACE_ATTEMPTS = 5;

export function createTokenStore({ db }: Database): TokenStore {
  return {
    async findLatest(userId, broker) {
      const row = await db
        .selectFrom('broker_tokens')
        .selectAll()
        .where('user_id', '=', userId)
        .where('broker', '=', broker)
        .orderBy('is_revoked', 'asc')
        .orderBy('issued_at', 'desc')
        .limit(1)
        .executeTakeFirst();
      return row === undefined ? undefined : toConnection(row);
    },

    async isOpen(id) {
      const row = await db
        .selectFrom('broker_tokens')
        .select('id')
        .where('id', '=', id)
        .where('is_revoked', '=', 0)
        .executeTakeFirst();
      return row !== undefined;
    },

    async countOpenBefore(before) {
      const { open } = await selectIds(db, { kind: 'issued_before', before })
        .clearSelect()
        .select((select) => select.fn.countAll<number>().as('open'))
        .executeTakeFirstOrThrow();
      return Number(open);
    },

    async *listOwnersOfOpen() {
      for (let after = ''; ; ) {
        const rows = await db
          .selectFrom('broker_tokens')
          .select('user_id')
          .distinct()
          .where('is_revoked', '=', 0)
          .where('user_id', '>', after)
          .orderBy('user_id')
          .limit(OWNERS_AT_ONCE)
          .execute();
        const last = rows.at(-1);
        if (last === undefined) return;
        yield rows.map((row) => row.user_id);
        after = last.user_id;
      }
    },

    async replace(connection, now) {
      const { userId, broker } = connection;
      for (let attempt = 1; attempt <= REPLACE_ATTEMPTS; attempt += 1) {
        const stored = await db.transaction().execute(async (trx) => {
          await endIn(trx, { kind: 'of_broker', userId, broker }, { reason: 'replaced', now });
          return insert(trx, connection);
        });
        if (stored) return;
      }
      throw new Error(`A connection to ${broker} could not be stored: others keep replacing it`);
    },

    end: (which, options) => db.transaction().execute((trx) => endIn(trx, which, options)),
  };
}

/** False when another node's connection came between: the index of live tokens refuses a second one. */
async function insert(db: Kysely<Schema>, connection: NewConnection): Promise<boolean> {
  const result = await db
    .insertInto('broker_tokens')
    .values({
      id: connection.id,
      user_id: connection.userId,
      broker: connection.broker,
      access_token: connection.accessToken,
      feed_token: connection.feedToken ?? null,
      epoch: connection.epoch,
      issued_at: connection.issuedAt,
      expires_at: connection.expiresAt,
      is_revoked: 0,
      revoked_at: null,
      revoke_reason: null,
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return (result.numInsertedOrUpdatedRows ?? 0n) > 0n;
}

/**
 * Marks, queues, wipes, in that order: the first statement is a write, so that SQLite's lock is taken at once, and it
 * answers with the ciphertexts that the last one removes.
 */
async function endIn(
  trx: Kysely<Schema>,
  which: ConnectionsToEnd,
  { reason, now }: EndConnectionsOptions,
): Promise<readonly EndedConnection[]> {
  const rows = await trx
    .updateTable('broker_tokens')
    .set({ is_revoked: 1, revoked_at: now, revoke_reason: reason })
    .where('id', 'in', selectIds(trx, which).limit(END_BATCH))
    .where('is_revoked', '=', 0)
    .returningAll()
    .execute();
  if (rows.length === 0) return [];
  await insertLogouts(
    trx,
    rows.flatMap((row) => toLogout(row, now)),
    now,
  );
  await trx
    .updateTable('broker_tokens')
    .set({ access_token: null, feed_token: null })
    .where(
      'id',
      'in',
      rows.map((row) => row.id),
    )
    .execute();
  return rows.map((row) => ({
    userId: row.user_id,
    broker: row.broker,
    hadFeedToken: row.feed_token !== null,
    logoutQueued: toLogout(row, now).length > 0,
  }));
}

function selectIds(db: Kysely<Schema>, which: ConnectionsToEnd) {
  const open = db.selectFrom('broker_tokens').select('id').where('is_revoked', '=', 0);
  switch (which.kind) {
    case 'one':
      return open.where('id', '=', which.id);
    case 'of_broker':
      return open.where('user_id', '=', which.userId).where('broker', '=', which.broker);
    case 'through_epoch':
      return open.where('user_id', '=', which.userId).where('epoch', '<=', which.epoch);
    case 'issued_before': {
      const old = open.where('issued_at', '<', which.before);
      return which.userId === undefined ? old : old.where('user_id', '=', which.userId);
    }
  }
}

function toLogout(row: BrokerTokensTable, now: number): QueuedLogout[] {
  if (row.access_token === null || row.expires_at <= now) return [];
  return [{ id: row.id, userId: row.user_id, broker: row.broker, accessToken: row.access_token }];
}

function toConnection(row: BrokerTokensTable): Connection {
  return {
    id: row.id,
    userId: row.user_id,
    broker: row.broker,
    accessToken: row.access_token ?? undefined,
    feedToken: row.feed_token ?? undefined,
    epoch: row.epoch,
    issuedAt: row.issued_at,
    expiresAt: row.expires_at,
    ended:
      row.is_revoked === 0
        ? undefined
        : { at: row.revoked_at ?? row.issued_at, reason: toEndReason(row.revoke_reason) },
  };
}

/** A row may have been written by a later version. */
function toEndReason(text: string | null): ConnectionEndReason | 'ended' {
  return CONNECTION_END_REASONS.find((reason) => reason === text) ?? 'ended';
}
