import type { Kysely } from 'kysely';

/** Checks that tell at a start whether PEPPER and ENCRYPTION_KEY are the ones that the data was made with. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('secret_checks')
    .addColumn('name', 'text', (c) => c.primaryKey())
    .addColumn('check_value', 'text', (c) => c.notNull())
    .addColumn('set_at', 'bigint', (c) => c.notNull())
    .execute();
}
