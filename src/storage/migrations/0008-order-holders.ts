import type { Kysely } from 'kysely';

/** Which process is at work on an order: a server that starts need not wait for one that is gone. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('revocations').addColumn('holder', 'text').execute();
}
