import type { Kysely } from 'kysely';

/** Symbols that users watch on their dashboard, with the last price that was seen. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('watched_symbols')
    .addColumn('user_id', 'text', (c) => c.notNull().references('users.id').onDelete('cascade'))
    .addColumn('symbol', 'text', (c) => c.notNull())
    .addColumn('added_at', 'bigint', (c) => c.notNull())
    .addColumn('price', 'double precision')
    .addColumn('close', 'double precision')
    .addColumn('priced_at', 'bigint')
    .addPrimaryKeyConstraint('watched_symbols_pk', ['user_id', 'symbol'])
    .execute();
}
