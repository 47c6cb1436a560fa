import type { Kysely } from 'kysely';

/** The practice broker's refresh tokens. A table of their own: SQLite cannot let another kind into `sandbox_tokens`. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('sandbox_refresh_tokens')
    .addColumn('token_digest', 'text', (c) => c.primaryKey())
    .addColumn('code_digest', 'text', (c) => c.notNull())
    .addColumn('client_id', 'text', (c) => c.notNull())
    .addColumn('subject', 'text', (c) => c.notNull())
    .addColumn('expires_at', 'bigint', (c) => c.notNull())
    .addColumn('ended_at', 'bigint')
    .execute();
  await db.schema
    .createIndex('sandbox_refresh_tokens_by_code')
    .on('sandbox_refresh_tokens')
    .column('code_digest')
    .execute();
}
