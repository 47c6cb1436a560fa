import type { Database } from '../storage/database.ts';

/**
 * Each user's epoch: a number that goes up whenever everything of theirs ends. What was made in an earlier epoch is
 * dead by comparison alone, however late a message or a retry arrives. A user without a row is in epoch 0.
 */
export interface EpochStore {
  current(userId: string): Promise<number>;
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
  };
}
