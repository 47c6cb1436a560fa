import type { Kysely } from 'kysely';

/** What was wrong in a refused signal: the sender was told, and its owner wants to read it as well. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('signals').addColumn('problem', 'text').execute();
}
