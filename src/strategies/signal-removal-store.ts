import type { SelectQueryBuilder } from 'kysely';
import type { Database } from '../storage/database.ts';
import type { Schema } from '../storage/schema.ts';

/** How many signals of a person are kept. */
export interface MostSignals {
  readonly accepted: number;
  readonly refused: number;
}

/** Removes signals that are kept no longer, some at a time. */
export interface SignalRemoval {
  /** At most `limit` of those that came in before an instant, or whose strategy is deleted; returns how many. */
  removeStale(before: number, limit: number): Promise<number>;
  /** Of each person, at most `limit` of the oldest accepted and of the oldest refused ones that are too many; returns how many. */
  removeSurplus(most: MostSignals, limit: number): Promise<number>;
}

export function createSignalRemoval({ db }: Pick<Database, 'db'>): SignalRemoval {
  return {
    async removeStale(before, limit) {
      const old = db.selectFrom('signals').select('id').where('received_at', '<', before).limit(limit);
      const ownerless = db
        .selectFrom('signals')
        .select('id')
        .where('strategy_id', 'in', (eb) =>
          eb.selectFrom('strategies').select('id').where('deleted_at', 'is not', null),
        )
        .limit(limit);
      return (await remove(old)) + (await remove(ownerless));
    },

    async removeSurplus({ accepted, refused }, limit) {
      const people = await db.selectFrom('signal_cursors').selectAll().execute();
      const owners = await db.selectFrom('strategies').select('user_id').distinct().execute();
      let removed = 0;
      // Both along the index of a person's cursors, in which refused signals have none.
      for (const { user_id, last } of people)
        removed += await remove(
          db
            .selectFrom('signals')
            .select('id')
            .where('user_id', '=', user_id)
            .where('cursor', '<=', last - accepted)
            .orderBy('cursor')
            .limit(limit),
        );
      for (const { user_id } of owners)
        removed += await remove(
          db
            .selectFrom('signals')
            .select('id')
            .where('user_id', '=', user_id)
            .where('cursor', 'is', null)
            .orderBy('received_at', 'desc')
            .orderBy('id')
            .limit(limit)
            .offset(refused),
        );
      return removed;
    },
  };

  async function remove(ids: SelectQueryBuilder<Schema, 'signals', { id: string }>): Promise<number> {
    const { numDeletedRows } = await db.deleteFrom('signals').where('id', 'in', ids).executeTakeFirst();
    return Number(numDeletedRows);
  }
}
