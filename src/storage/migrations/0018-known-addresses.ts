import type { Kysely } from 'kysely';

/** The addresses that people have signed in from: wrong keys from there are slowed down and ban nobody. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('known_addresses')
    .addColumn('subject', 'text', (c) => c.notNull())
    .addColumn('user_id', 'text', (c) => c.notNull())
    .addColumn('last_at', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('known_addresses_key', ['subject', 'user_id'])
    .execute();
  await db.schema
    .createIndex('known_addresses_by_user')
    .on('known_addresses')
    .columns(['user_id', 'last_at'])
    .execute();
  await db.schema.createIndex('known_addresses_by_time').on('known_addresses').column('last_at').execute();
}
