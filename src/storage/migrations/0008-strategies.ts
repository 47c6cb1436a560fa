import type { Kysely } from 'kysely';

/** Strategies, the signals that came for them, and the last signal number of each user. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('strategies')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('user_id', 'text', (c) => c.notNull().references('users.id').onDelete('cascade'))
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('platform', 'text', (c) => c.notNull())
    .addColumn('broker', 'text', (c) => c.notNull())
    .addColumn('symbols', 'text', (c) => c.notNull())
    .addColumn('trading_days', 'text', (c) => c.notNull())
    .addColumn('opens_at', 'integer', (c) => c.notNull())
    .addColumn('closes_at', 'integer', (c) => c.notNull())
    .addColumn('active', 'integer', (c) => c.notNull())
    .addColumn('version', 'integer', (c) => c.notNull())
    .addColumn('webhook_digest', 'text', (c) => c.notNull().unique())
    .addColumn('webhook_id', 'text')
    .addColumn('signing_secret', 'text')
    .addColumn('allowed_addresses', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('changed_at', 'bigint', (c) => c.notNull())
    .addColumn('deleted_at', 'bigint')
    .execute();
  await db.schema
    .createIndex('strategies_by_user')
    .on('strategies')
    .columns(['user_id', 'deleted_at'])
    .execute();
  await db.schema.createIndex('strategies_by_deletion').on('strategies').column('deleted_at').execute();

  await db.schema
    .createTable('signals')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('user_id', 'text', (c) => c.notNull().references('users.id').onDelete('cascade'))
    .addColumn('strategy_id', 'text', (c) => c.notNull().references('strategies.id').onDelete('cascade'))
    .addColumn('cursor', 'bigint')
    .addColumn('received_at', 'bigint', (c) => c.notNull())
    .addColumn('refusal', 'text')
    .addColumn('action', 'text')
    .addColumn('exchange', 'text')
    .addColumn('trading_symbol', 'text')
    .addColumn('quantity', 'integer')
    .addColumn('product', 'text')
    .addColumn('broker', 'text', (c) => c.notNull())
    .addColumn('price', 'double precision')
    .addColumn('client_id', 'text')
    .addColumn('dedupe_key', 'text')
    .addColumn('repeats', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('problem', 'text')
    .execute();
  // The database itself refuses a second signal of a user with the same cursor.
  await db.schema
    .createIndex('signals_by_cursor')
    .unique()
    .on('signals')
    .columns(['user_id', 'cursor'])
    .execute();
  await db.schema
    .createIndex('signals_by_time')
    .on('signals')
    .columns(['user_id', 'received_at', 'cursor'])
    .execute();
  await db.schema
    .createIndex('signals_by_strategy')
    .on('signals')
    .columns(['strategy_id', 'received_at'])
    .execute();
  await db.schema
    .createIndex('signals_by_dedupe_key')
    .on('signals')
    .columns(['strategy_id', 'dedupe_key'])
    .execute();
  await db.schema.createIndex('signals_by_age').on('signals').column('received_at').execute();

  await db.schema
    .createTable('signal_cursors')
    .addColumn('user_id', 'text', (c) => c.primaryKey().references('users.id').onDelete('cascade'))
    .addColumn('last', 'bigint', (c) => c.notNull())
    .execute();
}
