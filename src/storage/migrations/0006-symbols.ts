import { type Kysely, sql } from 'kysely';
import type { MigrationContext } from '../migrate.ts';

/**
 * Brokers' instrument masters. The rows of an import have ids without gaps, in the order in which results are shown;
 * a master is a range of them. So a new one is written beside the old one, and one update of one row changes over.
 */
export async function up(db: Kysely<unknown>, { dialect }: MigrationContext): Promise<void> {
  await db.schema
    .createTable('symbols')
    // An integer key is where SQLite looks a row up without an index.
    .addColumn('id', dialect === 'sqlite' ? 'integer' : 'bigint', (c) => c.primaryKey())
    .addColumn('exchange', 'text', (c) => c.notNull())
    .addColumn('symbol_key', 'text', (c) => c.notNull())
    .addColumn('trading_symbol', 'text', (c) => c.notNull())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('instrument_token', 'text', (c) => c.notNull())
    .addColumn('exchange_token', 'text', (c) => c.notNull())
    .addColumn('expiry', 'text')
    .addColumn('strike', 'double precision')
    .addColumn('tick_size', 'double precision', (c) => c.notNull())
    .addColumn('lot_size', 'double precision', (c) => c.notNull())
    .addColumn('instrument_type', 'text', (c) => c.notNull())
    .addColumn('segment', 'text', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('symbols_by_key').on('symbols').columns(['symbol_key', 'exchange']).execute();
  if (dialect === 'postgres') await addWords(db);

  await db.schema
    .createTable('symbol_masters')
    .addColumn('broker', 'text', (c) => c.primaryKey())
    .addColumn('import_id', 'text', (c) => c.notNull())
    .addColumn('first_id', 'bigint', (c) => c.notNull())
    .addColumn('first_option_id', 'bigint', (c) => c.notNull())
    .addColumn('last_id', 'bigint', (c) => c.notNull())
    .addColumn('exchanges', 'text', (c) => c.notNull())
    .addColumn('types', 'text', (c) => c.notNull())
    .addColumn('imported_at', 'bigint', (c) => c.notNull())
    .execute();

  await db.schema
    .createTable('symbol_imports')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('broker', 'text')
    .addColumn('file_name', 'text', (c) => c.notNull())
    .addColumn('requested_by', 'text', (c) => c.notNull())
    .addColumn('status', 'text', (c) => c.notNull())
    .addColumn('stage', 'text', (c) => c.notNull())
    .addColumn('stage_done', 'bigint', (c) => c.notNull())
    .addColumn('stage_total', 'bigint', (c) => c.notNull())
    .addColumn('started_at', 'bigint', (c) => c.notNull())
    .addColumn('heard_at', 'bigint', (c) => c.notNull())
    .addColumn('finished_at', 'bigint')
    .addColumn('instruments', 'integer', (c) => c.notNull())
    .addColumn('instruments_before', 'integer', (c) => c.notNull())
    .addColumn('bad_lines', 'integer', (c) => c.notNull())
    .addColumn('bad_line_samples', 'text', (c) => c.notNull())
    .addColumn('problem', 'text')
    .addColumn('first_id', 'bigint')
    .addColumn('last_id', 'bigint')
    .addColumn('retired_at', 'bigint')
    .execute();
  // The database itself allows one running import, over all nodes and the command line.
  await sql`create unique index symbol_imports_running on symbol_imports (status) where status = 'running'`.execute(
    db,
  );
  await db.schema
    .createIndex('symbol_imports_by_time')
    .on('symbol_imports')
    .columns(['started_at', 'id'])
    .execute();
}

/** On SQLite each import makes a table of words for itself: deleting many rows from a full-text index takes minutes. */
async function addWords(db: Kysely<unknown>): Promise<void> {
  await sql`alter table symbols add column words tsvector not null`.execute(db);
  // New words wait in a list that is merged when it is full: a small one, or an insert would now and then take a second.
  await sql`create index symbols_by_words on symbols using gin (words) with (gin_pending_list_limit = 512)`.execute(
    db,
  );
}
