import type { Kysely, Selectable } from 'kysely';
import type { BrokerTokensTable, Schema } from '../storage/schema.ts';
import type { ConnectionEndReason } from './connection.ts';
import { insertLogouts, type QueuedLogout } from './logout-store.ts';

/** Which connections are to end. */
export type ConnectionsToEnd =
  | { readonly kind: 'one'; readonly id: string }
  | { readonly kind: 'of_broker'; readonly userId: string; readonly broker: string }
  | { readonly kind: 'through_epoch'; readonly userId: string; readonly epoch: number }
  | {
      readonly kind: 'token';
      readonly userId: string;
      readonly broker: string;
      readonly tokenDigest: string;
      /** Only one that nothing else has ended yet: of the current epoch, and from this instant (ms) or later. */
      readonly since: number;
    }
  | { readonly kind: 'issued_before'; readonly before: number; readonly userId?: string };

export interface EndConnectionsOptions {
  readonly reason: ConnectionEndReason;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The digest of a token that goes on in another connection: its broker is not told that it has ended. */
  readonly sparedDigest?: string | undefined;
  /** The revocation that ends them: its receipt asks what their brokers answered. */
  readonly orderId?: string | undefined;
}

/** How many connections one transaction ends at most: for more, call again. */
export const END_BATCH = 500;

export interface EndedConnection {
  readonly userId: string;
  readonly broker: string;
  readonly hadFeedToken: boolean;
  /** False when the broker has ended the token by itself already. */
  readonly logoutQueued: boolean;
}

/**
 * Ends them inside the caller's transaction: marks, queues, wipes, in that order. The first statement is a write, so that
 * SQLite's lock is taken at once, and it answers with the ciphertexts that the last one removes.
 */
export async function endConnections(
  trx: Kysely<Schema>,
  which: ConnectionsToEnd,
  { reason, now, sparedDigest, orderId }: EndConnectionsOptions,
): Promise<readonly EndedConnection[]> {
  const rows = await trx
    .updateTable('broker_tokens')
    .set({ is_revoked: 1, revoked_at: now, revoke_reason: reason })
    .where('id', 'in', selectOpenIds(trx, which).limit(END_BATCH))
    .where('is_revoked', '=', 0)
    .returningAll()
    .execute();
  if (rows.length === 0) return [];
  const logouts = rows.filter((row) => needsLogout(row, now, sparedDigest));
  await insertLogouts(
    trx,
    logouts.map((row) => ({ ...toLogout(row), orderId })),
    now,
  );
  await trx
    .updateTable('broker_tokens')
    .set({ access_token: null, feed_token: null, refresh_token: null, refresh_at: null })
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
    logoutQueued: needsLogout(row, now, sparedDigest),
  }));
}

/** A query for the ids of those that are open. */
export function selectOpenIds(db: Kysely<Schema>, which: ConnectionsToEnd) {
  const open = db.selectFrom('broker_tokens').select('id').where('is_revoked', '=', 0);
  switch (which.kind) {
    case 'one':
      return open.where('id', '=', which.id);
    case 'of_broker':
      return open.where('user_id', '=', which.userId).where('broker', '=', which.broker);
    case 'token':
      return open
        .where('user_id', '=', which.userId)
        .where('broker', '=', which.broker)
        .where('token_digest', '=', which.tokenDigest)
        .where('issued_at', '>=', Math.max(0, which.since))
        .where('epoch', '>=', ({ fn, selectFrom, val }) =>
          selectFrom('user_epochs')
            .select(fn.coalesce(fn.max('epoch'), val(0)).as('epoch'))
            .where('user_id', '=', which.userId),
        );
    case 'through_epoch':
      return open.where('user_id', '=', which.userId).where('epoch', '<=', which.epoch);
    case 'issued_before': {
      const old = open.where('issued_at', '<', which.before);
      return which.userId === undefined ? old : old.where('user_id', '=', which.userId);
    }
  }
}

/** A row as it is read. */
export type TokenRow = Selectable<BrokerTokensTable>;

/**
 * The broker has not ended the token by itself, and no other connection has it. Where there is a refresh token the end of the
 * access token is not the end of the login.
 */
function needsLogout(row: TokenRow, now: number, sparedDigest: string | undefined): boolean {
  const goesOn = row.token_digest !== null && row.token_digest === sparedDigest;
  const livesThere = row.expires_at > now || row.refresh_token !== null;
  return row.access_token !== null && livesThere && !goesOn;
}

function toLogout(row: TokenRow): QueuedLogout {
  return {
    id: row.id,
    userId: row.user_id,
    broker: row.broker,
    accessToken: row.access_token ?? '',
    tokenDigest: row.token_digest ?? undefined,
    expiresAt: row.expires_at,
  };
}
