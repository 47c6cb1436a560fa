import { type Kysely, sql } from 'kysely';

/** Sessions, why they ended, and the revocations that end them. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('sessions')
    .addColumn('sid', 'text', (c) => c.primaryKey())
    .addColumn('user_id', 'text')
    .addColumn('epoch', 'integer')
    .addColumn('login_time', 'bigint')
    .addColumn('last_seen', 'bigint', (c) => c.notNull())
    .addColumn('body', 'text', (c) => c.notNull())
    .addColumn('own_idle_ms', 'bigint')
    .execute();
  await db.schema.createIndex('sessions_by_user').on('sessions').columns(['user_id', 'epoch']).execute();
  await db.schema.createIndex('sessions_by_login_time').on('sessions').column('login_time').execute();
  await db.schema.createIndex('sessions_by_last_seen').on('sessions').column('last_seen').execute();
  // Looked at every second; nearly all sessions have no limit of their own.
  await sql`create index sessions_by_own_deadline on sessions ((last_seen + own_idle_ms)) where own_idle_ms is not null`.execute(
    db,
  );

  await db.schema
    .createTable('session_endings')
    .addColumn('sid', 'text', (c) => c.primaryKey())
    .addColumn('reason', 'text', (c) => c.notNull())
    .addColumn('forget_at', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema
    .createIndex('session_endings_by_forget_at')
    .on('session_endings')
    .column('forget_at')
    .execute();

  await db.schema
    .createTable('revocations')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('dedupe_key', 'text', (c) => c.unique())
    .addColumn('user_id', 'text')
    .addColumn('reason', 'text', (c) => c.notNull())
    .addColumn('scope', 'text', (c) => c.notNull())
    .addColumn('ordered_at', 'bigint', (c) => c.notNull())
    .addColumn('receipt', 'text', (c) => c.notNull())
    .addColumn('status', 'text', (c) => c.notNull())
    .addColumn('attempts', 'integer', (c) => c.notNull())
    .addColumn('next_attempt_at', 'bigint', (c) => c.notNull())
    .addColumn('holder', 'text')
    .execute();
  await db.schema
    .createIndex('revocations_open')
    .on('revocations')
    .columns(['status', 'next_attempt_at'])
    .execute();
  await db.schema
    .createIndex('revocations_by_user')
    .on('revocations')
    .columns(['user_id', 'ordered_at'])
    .execute();
  await db.schema
    .createIndex('revocations_by_time')
    .on('revocations')
    .columns(['ordered_at', 'id'])
    .execute();
}
