import { type Kysely, sql } from 'kysely';
import type { Database } from '../storage/database.ts';
import type { Schema } from '../storage/schema.ts';
import { CONNECTION_END_REASONS, type Connection, type ConnectionEndReason } from './connection.ts';
import {
  type ConnectionsToEnd,
  type EndConnectionsOptions,
  type EndedConnection,
  endConnections,
  selectOpenIds,
  type TokenRow,
} from './connection-ending-store.ts';
import { refreshDueAt } from './refresh-times.ts';

/** A connection as it begins. The tokens are ciphertexts. */
export type NewConnection = Omit<Connection, 'accessToken' | 'ended' | 'refreshFailures'> & {
  readonly accessToken: string;
};

/** A connection with its person's epoch, both as they were at one and the same moment. */
export interface RecentConnection extends Connection {
  readonly userEpoch: number;
}

/** Where a person stands with a broker, at one and the same moment. */
export interface Standing {
  readonly epoch: number;
  /** `versionOf` the open connection. It may still be dead by its times. */
  readonly live: string | undefined;
}

/** The day's broker tokens, one live connection at most for a person and broker. */
export interface TokenStore {
  /** One small query, for every use of a token: no row is read whole, and nothing is decrypted for it. */
  standing(userId: string, broker: string): Promise<Standing>;
  /** The open one; else the one that was issued last. */
  findLatest(userId: string, broker: string): Promise<Connection | undefined>;
  /**
   * A user's connections since an instant (ms since the epoch) and those that are open, however old, at any
   * broker: first what is open, then the newest.
   */
  listRecent(userId: string, since: number): Promise<readonly RecentConnection[]>;
  /** Whether an open connection has this very access token: brokers may give one out twice. */
  isTokenInUse(broker: string, tokenDigest: string): Promise<boolean>;
  /** How many of the open ones began before an instant (ms since the epoch). */
  countOpenBefore(before: number): Promise<number>;
  /** All users who have an open one; in batches. */
  listOwnersOfOpen(): AsyncIterable<readonly string[]>;
  /** Counts connections that are alive by their times, by broker. */
  countAlive(moment: {
    readonly now: number;
    readonly lastCutoff: number;
  }): Promise<ReadonlyMap<string, number>>;
  /** Remembers whose account an open connection is for, as the broker has just said. */
  saveClientId(broker: string, tokenDigest: string, clientId: string): Promise<void>;
  /** Puts it in the place of an older one, which ends as `replaced`. Where both have the same token, that lives on. */
  replace(connection: NewConnection, now: number): Promise<void>;
  /**
   * Ends connections: marks and wipes them, and moves the access tokens that the broker may still honour to the
   * logout queue, in one transaction. What has ended before is left alone and not counted. `END_BATCH` at most.
   */
  end(which: ConnectionsToEnd, options: EndConnectionsOptions): Promise<readonly EndedConnection[]>;
}

interface StandingRow {
  readonly epoch: number | null;
  readonly live: string | null;
}

const OWNERS_AT_ONCE = 500;

/** How often a connection may be replaced by another node between two statements before that is no coincidence. */
const REPLACE_ATTEMPTS = 5;

export function createTokenStore({ db }: Database): TokenStore {
  return {
    ...createTokenReads(db),
    ...createTokenCounts(db),

    async saveClientId(broker, tokenDigest, clientId) {
      await db
        .updateTable('broker_tokens')
        .set({ client_id: clientId })
        .where('broker', '=', broker)
        .where('token_digest', '=', tokenDigest)
        .where('is_revoked', '=', 0)
        .execute();
    },

    async replace(connection, now) {
      const { userId, broker, tokenDigest } = connection;
      for (let attempt = 1; attempt <= REPLACE_ATTEMPTS; attempt += 1) {
        const stored = await db.transaction().execute(async (trx) => {
          const options = { reason: 'replaced', now, sparedDigest: tokenDigest } as const;
          await endConnections(trx, { kind: 'of_broker', userId, broker }, options);
          return insert(trx, connection);
        });
        if (stored) return;
      }
      throw new Error(`A connection to ${broker} could not be stored: others keep replacing it`);
    },

    end: (which, options) => db.transaction().execute((trx) => endConnections(trx, which, options)),
  };
}

/** Of one user, or of one token. */
function createTokenReads(
  db: Kysely<Schema>,
): Pick<TokenStore, 'standing' | 'findLatest' | 'listRecent' | 'isTokenInUse'> {
  // Compiled once: it takes two looks into an index, and to build it each time would take longer.
  const standing = sql<StandingRow>`
    select
      (select epoch from user_epochs where user_id = ${''}) as epoch,
      (select id || ' ' || coalesce(token_digest, '') from broker_tokens
        where user_id = ${''} and broker = ${''} and is_revoked = 0) as live`.compile(db);

  return {
    async standing(userId, broker) {
      const { rows } = await db.executeQuery<StandingRow>({
        ...standing,
        parameters: [userId, userId, broker],
      });
      return { epoch: rows[0]?.epoch ?? 0, live: rows[0]?.live ?? undefined };
    },

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

    async listRecent(userId, since) {
      // Every page asks this. Written out, since to build it took longer than to run it; each half as an index has it.
      const { rows } = await sql<TokenRow & { readonly user_epoch: number | null }>`
        select t.*, (select epoch from user_epochs where user_id = ${userId}) as user_epoch
        from broker_tokens t
        where (t.user_id = ${userId} and t.is_revoked = 0)
          or (t.user_id = ${userId} and t.is_revoked = 1 and t.issued_at >= ${since})
      `.execute(db);
      return rows
        .toSorted((a, b) => a.is_revoked - b.is_revoked || b.issued_at - a.issued_at)
        .map((row) => ({ ...toConnection(row), userEpoch: row.user_epoch ?? 0 }));
    },

    async isTokenInUse(broker, tokenDigest) {
      const row = await db
        .selectFrom('broker_tokens')
        .select('id')
        .where('broker', '=', broker)
        .where('token_digest', '=', tokenDigest)
        .where('is_revoked', '=', 0)
        .executeTakeFirst();
      return row !== undefined;
    },
  };
}

/** Over all users. */
function createTokenCounts(
  db: Kysely<Schema>,
): Pick<TokenStore, 'countAlive' | 'countOpenBefore' | 'listOwnersOfOpen'> {
  return {
    async countAlive({ now, lastCutoff }) {
      const rows = await db
        .selectFrom('broker_tokens')
        .select((select) => ['broker', select.fn.countAll<number>().as('alive')])
        .where('is_revoked', '=', 0)
        .where('issued_at', '>=', Math.max(0, lastCutoff))
        .where('expires_at', '>', now)
        .groupBy('broker')
        .execute();
      return new Map(rows.map(({ broker, alive }) => [broker, Number(alive)]));
    },

    async countOpenBefore(before) {
      const { open } = await selectOpenIds(db, { kind: 'issued_before', before })
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
      refresh_token: connection.refreshToken ?? null,
      refresh_at: connection.refreshToken === undefined ? null : refreshDueAt(connection),
      token_digest: connection.tokenDigest ?? null,
      epoch: connection.epoch,
      issued_at: connection.issuedAt,
      expires_at: connection.expiresAt,
      is_revoked: 0,
      revoked_at: null,
      revoke_reason: null,
      is_held: connection.held ? 1 : 0,
      client_id: connection.clientId ?? null,
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return (result.numInsertedOrUpdatedRows ?? 0n) > 0n;
}

function toConnection(row: TokenRow): Connection {
  return {
    id: row.id,
    userId: row.user_id,
    broker: row.broker,
    accessToken: row.access_token ?? undefined,
    feedToken: row.feed_token ?? undefined,
    refreshToken: row.refresh_token ?? undefined,
    refreshFailures: row.refresh_failures,
    tokenDigest: row.token_digest ?? undefined,
    epoch: row.epoch,
    issuedAt: row.issued_at,
    expiresAt: row.expires_at,
    held: row.is_held === 1,
    clientId: row.client_id ?? undefined,
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
