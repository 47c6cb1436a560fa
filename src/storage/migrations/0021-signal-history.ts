import type { Kysely } from 'kysely';

/** Signals that an owner sends as a test, the text of the last ones as it was received, and which API keys fetched them. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('signals')
    .addColumn('is_test', 'integer', (c) => c.notNull().defaultTo(0))
    .execute();

  await db.schema
    .createTable('signal_bodies')
    .addColumn('signal_id', 'text', (c) => c.primaryKey().references('signals.id').onDelete('cascade'))
    .addColumn('strategy_id', 'text', (c) => c.notNull())
    .addColumn('received_at', 'bigint', (c) => c.notNull())
    .addColumn('body', 'text', (c) => c.notNull())
    .execute();
  await db.schema
    .createIndex('signal_bodies_by_strategy')
    .on('signal_bodies')
    .columns(['strategy_id', 'received_at'])
    .execute();

  await db.schema
    .createTable('signal_fetches')
    .addColumn('signal_id', 'text', (c) => c.notNull().references('signals.id').onDelete('cascade'))
    .addColumn('key_id', 'text', (c) => c.notNull().references('api_keys.id').onDelete('cascade'))
    .addColumn('fetched_at', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('signal_fetches_pk', ['signal_id', 'key_id'])
    .execute();
  await db.schema.createIndex('signal_fetches_by_key').on('signal_fetches').column('key_id').execute();
}
