import type { Transaction } from 'kysely';
import type { Database } from '../storage/database.ts';
import type { Schema } from '../storage/schema.ts';

/** Connections that their owners keep until the cutoff, also when no browser is signed in. */
export interface HeldConnectionStore {
  /** Holds the open connection, or lets it end with the last session. False where none is open. */
  setHeld(userId: string, broker: string, held: boolean): Promise<boolean>;
  /** The brokers of a user's held connections that began at `since` (ms since the epoch) or later, and can still be used at `now`. */
  listHeld(userId: string, at: { readonly since: number; readonly now: number }): Promise<readonly string[]>;
  /**
   * Takes held connections into the epoch that begins, inside the transaction that raises it. Only those of the epoch before:
   * one that an earlier revocation has ended, but not reached yet, stays dead.
   */
  carryInto(trx: Transaction<Schema>, userId: string, epoch: number): Promise<void>;
}

export function createHeldConnectionStore({ db }: Database): HeldConnectionStore {
  return {
    async setHeld(userId, broker, held) {
      const result = await db
        .updateTable('broker_tokens')
        .set({ is_held: held ? 1 : 0 })
        .where('user_id', '=', userId)
        .where('broker', '=', broker)
        .where('is_revoked', '=', 0)
        .executeTakeFirst();
      return result.numUpdatedRows > 0n;
    },

    async listHeld(userId, { since, now }) {
      const rows = await db
        .selectFrom('broker_tokens')
        .leftJoin('user_epochs', 'user_epochs.user_id', 'broker_tokens.user_id')
        .select(['broker', 'broker_tokens.epoch', 'user_epochs.epoch as current'])
        .where('broker_tokens.user_id', '=', userId)
        .where('is_revoked', '=', 0)
        .where('is_held', '=', 1)
        .where('issued_at', '>=', Math.max(0, since))
        .where((where) => where.or([where('expires_at', '>', now), where('refresh_token', 'is not', null)]))
        .orderBy('broker')
        .execute();
      return rows.filter(({ epoch, current }) => epoch >= (current ?? 0)).map(({ broker }) => broker);
    },

    async carryInto(trx, userId, epoch) {
      await trx
        .updateTable('broker_tokens')
        .set({ epoch })
        .where('user_id', '=', userId)
        .where('is_revoked', '=', 0)
        .where('is_held', '=', 1)
        .where('epoch', '=', epoch - 1)
        .execute();
    },
  };
}
