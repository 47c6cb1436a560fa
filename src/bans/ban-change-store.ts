import type { Transaction } from 'kysely';
import type { Database } from '../storage/database.ts';
import type { Schema } from '../storage/schema.ts';

const STATE_ROW = 1;

/** The result of a change, and the version that it led to. */
export interface BanChangeResult<T> {
  readonly value: T;
  readonly version: number;
}

/**
 * Changes bans, the allowlist or rules: one change at a time on all nodes, each with a version of its own. Nothing
 * has changed, and there is no version, where `work` answers undefined.
 */
export function changeBans<T>(
  { db }: Database,
  work: (trx: Transaction<Schema>) => Promise<T | undefined>,
): Promise<BanChangeResult<T> | undefined> {
  return db.transaction().execute(async (trx) => {
    // Takes the row's lock on Postgres, and the file's on SQLite, before anything is read.
    await trx
      .updateTable('ban_state')
      .set((eb) => ({ version: eb.ref('version') }))
      .where('id', '=', STATE_ROW)
      .execute();
    const value = await work(trx);
    if (value === undefined) return undefined;
    const { version } = await trx
      .updateTable('ban_state')
      .set((eb) => ({ version: eb('version', '+', 1) }))
      .where('id', '=', STATE_ROW)
      .returning('version')
      .executeTakeFirstOrThrow();
    return { value, version };
  });
}

/** The version of what is stored at this moment. */
export async function readBanVersion({ db }: Database): Promise<number> {
  const row = await db
    .selectFrom('ban_state')
    .select('version')
    .where('id', '=', STATE_ROW)
    .executeTakeFirst();
  return row?.version ?? 0;
}
