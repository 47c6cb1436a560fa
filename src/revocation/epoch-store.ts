import type { Database } from '../storage/database.ts';

/**
 * Each user's epoch: a number that goes up whenever everything of theirs ends. What was made in an earlier epoch is
 * dead by comparison alone, however late a message or a retry arrives. A user without a row is in epoch 0.
 */
export interface EpochStore {
  current(userId: string): Promise<number>;
  /** Of several users, in one query; those in epoch 0 may be missing. */
  currentOf(userIds: readonly string[]): Promise<ReadonlyMap<string, number>>;
}

export function createEpochStore({ db }: Database): EpochStore {
  return {
    async current(userId) {
      const row = await db
        .selectFrom('user_epochs')
        .select('epoch')
        .where('user_id', '=', userId)
        .executeTakeFirst();
      return row?.epoch ?? 0;
    },
    async currentOf(userIds) {
      const rows = await db
        .selectFrom('user_epochs')
        .select(['user_id', 'epoch'])
        .where('user_id', 'in', userIds)
        .execute();
      return new Map(rows.map((row) => [row.user_id, row.epoch]));
    },
  };
}
