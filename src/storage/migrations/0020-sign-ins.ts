import type { Kysely } from 'kysely';

/** Single uses, by their digest; and since when a user has their password, which browsers that are known by it must be newer than. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('single_uses')
    .addColumn('digest', 'text', (c) => c.primaryKey())
    .addColumn('forget_at', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('single_uses_by_age').on('single_uses').column('forget_at').execute();

  await db.schema
    .alterTable('users')
    .addColumn('password_set_at', 'bigint', (c) => c.notNull().defaultTo(0))
    .execute();
}
