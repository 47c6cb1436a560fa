import type { Kysely } from 'kysely';

/** Names of instruments besides their symbol, filled by the next import. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('symbols')
    .addColumn('display_name', 'text', (c) => c.notNull().defaultTo(''))
    .execute();
  await db.schema
    .alterTable('symbols')
    .addColumn('isin', 'text', (c) => c.notNull().defaultTo(''))
    .execute();
}
