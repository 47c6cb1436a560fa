import type { Transaction } from 'kysely';
import type { Schema } from './schema.ts';

/**
 * Until the transaction is over, every other one that asks for the same person waits: for counting what a user has and
 * adding to it. Writes nothing new, but takes the row's lock on Postgres, and the file's on SQLite, before anything is read.
 */
export async function takeUserLock(trx: Transaction<Schema>, userId: string): Promise<void> {
  await trx
    .updateTable('users')
    .set((eb) => ({ disabled: eb.ref('disabled') }))
    .where('id', '=', userId)
    .execute();
}
