import type { Kysely, Selectable } from 'kysely';
import type { LeaseOptions } from '../core/leased-queue.ts';
import type { Database } from '../storage/database.ts';
import type { BrokerLogoutsTable, Schema } from '../storage/schema.ts';

/** A token that is dead here and may still be alive at its broker. The token is a ciphertext. */
export interface QueuedLogout {
  readonly id: string;
  readonly userId: string;
  readonly broker: string;
  readonly accessToken: string;
  /** `secretDigest` of the token. */
  readonly tokenDigest?: string | undefined;
  /** When the broker ends the token by itself, in ms since the epoch. */
  readonly expiresAt?: number | undefined;
  /** The revocation that ended it. */
  readonly orderId?: string | undefined;
}

export interface ClaimedLogout extends QueuedLogout {
  /** Counting the one that the claim is for. Also tells this claim from a later one of the same logout. */
  readonly attempts: number;
  /** Milliseconds since the epoch. */
  readonly requestedAt: number;
}

/** Logouts that brokers still have to be told of. Instants in ms since the epoch. */
export interface LogoutStore {
  add(logout: QueuedLogout, now: number): Promise<void>;
  /** Takes up to `limit` that are due, for `leaseMs`: until then no other node gets them. */
  claimDue(lease: LeaseOptions): Promise<readonly ClaimedLogout[]>;
  /** Ends a claimed logout and wipes its ciphertext. False when another node has claimed it meanwhile. */
  close(claim: ClaimedLogout, lastError?: string): Promise<boolean>;
  /** Gives one up, with the ciphertext for as long as it may be tried again. False as above. */
  bury(claim: ClaimedLogout, lastError: string, options: { readonly wipe: boolean }): Promise<boolean>;
  postpone(claim: ClaimedLogout, until: number, lastError: string): Promise<void>;
  /** Forgets logouts that are done. Those given up stay, for someone to look at. */
  forgetDoneBefore(instant: number): Promise<void>;
}

export function createLogoutStore({ db }: Database): LogoutStore {
  const ofClaim = (claim: ClaimedLogout) =>
    db
      .updateTable('broker_logouts')
      .where('id', '=', claim.id)
      .where('status', '=', 'open')
      .where('attempts', '=', claim.attempts);

  return {
    add: (logout, now) => insertLogouts(db, [logout], now),

    async claimDue({ now, limit, leaseMs }) {
      const rows = await db
        .updateTable('broker_logouts')
        .set((eb) => ({ next_attempt_at: now + leaseMs, attempts: eb('attempts', '+', 1) }))
        .where('id', 'in', (eb) =>
          eb
            .selectFrom('broker_logouts')
            .select('id')
            .where('status', '=', 'open')
            .where('next_attempt_at', '<=', now)
            .orderBy('next_attempt_at')
            .limit(limit),
        )
        // Said again outside: Postgres asks it again of a row that another node has just moved.
        .where('status', '=', 'open')
        .where('next_attempt_at', '<=', now)
        .returningAll()
        .execute();
      return rows.map(toClaim);
    },

    async close(claim, lastError) {
      const result = await ofClaim(claim)
        .set({ status: 'done', access_token: null, last_error: lastError ?? null })
        .executeTakeFirst();
      return result.numUpdatedRows > 0n;
    },

    async bury(claim, lastError, { wipe }) {
      const result = await ofClaim(claim)
        .set({ status: 'dead', last_error: lastError, ...(wipe ? { access_token: null } : {}) })
        .executeTakeFirst();
      return result.numUpdatedRows > 0n;
    },

    async postpone(claim, until, lastError) {
      await ofClaim(claim).set({ next_attempt_at: until, last_error: lastError }).execute();
    },

    async forgetDoneBefore(instant) {
      await db
        .deleteFrom('broker_logouts')
        .where('status', '=', 'done')
        .where('requested_at', '<', instant)
        .execute();
    },
  };
}

/** Queues logouts inside the caller's transaction, so that no ended token is forgotten between the two. */
export async function insertLogouts(
  db: Kysely<Schema>,
  logouts: readonly QueuedLogout[],
  now: number,
): Promise<void> {
  if (logouts.length === 0) return;
  await db
    .insertInto('broker_logouts')
    .values(
      logouts.map((logout) => ({
        id: logout.id,
        user_id: logout.userId,
        broker: logout.broker,
        access_token: logout.accessToken,
        requested_at: now,
        attempts: 0,
        next_attempt_at: now,
        status: 'open' as const,
        last_error: null,
        token_digest: logout.tokenDigest ?? null,
        expires_at: logout.expiresAt ?? null,
        order_id: logout.orderId ?? null,
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

function toClaim(row: Selectable<BrokerLogoutsTable>): ClaimedLogout {
  return {
    id: row.id,
    userId: row.user_id,
    broker: row.broker,
    accessToken: row.access_token ?? '',
    tokenDigest: row.token_digest ?? undefined,
    expiresAt: row.expires_at ?? undefined,
    attempts: row.attempts,
    requestedAt: row.requested_at,
  };
}
