import type { Kysely } from 'kysely';

/** Refusals of one client are counted when they are many: a row of the traffic log can stand for more than one request. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('traffic_log')
    .addColumn('requests', 'integer', (column) => column.notNull().defaultTo(1))
    .execute();
}
