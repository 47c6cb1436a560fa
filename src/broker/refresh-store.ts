import { sql } from 'kysely';
import type { LeaseOptions } from '../core/leased-queue.ts';
import type { Database } from '../storage/database.ts';

/** A connection that one node, for as long as its claim lasts, may ask a new access token for. */
export interface RefreshClaim {
  readonly id: string;
  readonly userId: string;
  readonly broker: string;
  /** A ciphertext. */
  readonly refreshToken: string;
  readonly epoch: number;
  readonly issuedAt: number;
  readonly failures: number;
  /** When the claim ends, in ms since the epoch. Also tells this claim from a later one. */
  readonly until: number;
}

export interface RefreshClaimOptions extends LeaseOptions {
  /** The cutoffs around `now`. What falls at the next one anyway is not refreshed, nor what fell at the last. */
  readonly lastCutoff: number;
  readonly nextCutoff: number;
}

/** Values that a refresh puts into a connection; all but the times are ciphertexts. */
export interface RefreshedTokens {
  readonly accessToken: string;
  readonly tokenDigest: string;
  /** Undefined: the broker gave no new one, and the old one goes on. */
  readonly feedToken: string | undefined;
  readonly refreshToken: string | undefined;
  readonly expiresAt: number;
  readonly refreshAt: number;
}

/** Which connections need a new access token, and whose turn it is to ask for it. */
export interface RefreshStore {
  claimDue(options: RefreshClaimOptions): Promise<readonly RefreshClaim[]>;
  /** In place, in one statement: an end of the connection ends either the old token or the new one. False: too late. */
  complete(claim: RefreshClaim, tokens: RefreshedTokens): Promise<boolean>;
  /** Gives the claim back until an instant. */
  postpone(claim: RefreshClaim, until: number, failures: number): Promise<void>;
  /** Whether the connection is open and no other node has claimed it since. */
  isHeld(claim: RefreshClaim): Promise<boolean>;
}

export function createRefreshStore({ db }: Database): RefreshStore {
  const ofClaim = (claim: RefreshClaim) =>
    db
      .updateTable('broker_tokens')
      .where('id', '=', claim.id)
      .where('is_revoked', '=', 0)
      .where('refresh_at', '=', claim.until);

  return {
    async claimDue({ now, limit, leaseMs, lastCutoff, nextCutoff }) {
      const until = now + leaseMs;
      const rows = await db
        .updateTable('broker_tokens')
        .set({ refresh_at: until })
        .where('id', 'in', (eb) =>
          eb
            .selectFrom('broker_tokens')
            .select('id')
            .where('is_revoked', '=', 0)
            .where('refresh_at', '<=', now)
            .where('issued_at', '>=', Math.max(0, lastCutoff))
            .where('expires_at', '<', Math.min(Number.MAX_SAFE_INTEGER, nextCutoff))
            .orderBy('refresh_at')
            .limit(limit),
        )
        // Said again outside: Postgres asks it again of a row that another node has just moved.
        .where('is_revoked', '=', 0)
        .where('refresh_at', '<=', now)
        .returningAll()
        .execute();
      return rows.map((row) => ({
        id: row.id,
        userId: row.user_id,
        broker: row.broker,
        refreshToken: row.refresh_token ?? '',
        epoch: row.epoch,
        issuedAt: row.issued_at,
        failures: row.refresh_failures,
        until,
      }));
    },

    async complete(claim, tokens) {
      const { feedToken, refreshToken } = tokens;
      const result = await ofClaim(claim)
        // Of the row as it is now: a held connection may have gone into a new epoch since it was claimed.
        .where('epoch', '>=', (eb) =>
          eb
            .selectFrom('user_epochs')
            .select((of) => of.fn.coalesce(of.fn.max('user_epochs.epoch'), sql<number>`0`).as('epoch'))
            .where('user_epochs.user_id', '=', claim.userId),
        )
        .set({
          access_token: tokens.accessToken,
          token_digest: tokens.tokenDigest,
          expires_at: tokens.expiresAt,
          refresh_at: tokens.refreshAt,
          refresh_failures: 0,
          ...(feedToken === undefined ? {} : { feed_token: feedToken }),
          ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
        })
        .executeTakeFirst();
      return result.numUpdatedRows > 0n;
    },

    async postpone(claim, until, failures) {
      await ofClaim(claim).set({ refresh_at: until, refresh_failures: failures }).execute();
    },

    async isHeld(claim) {
      const row = await db
        .selectFrom('broker_tokens')
        .select('id')
        .where('id', '=', claim.id)
        .where('is_revoked', '=', 0)
        .where('refresh_at', '=', claim.until)
        .executeTakeFirst();
      return row !== undefined;
    },
  };
}
