import { type Kysely, sql } from 'kysely';

/** What people choose for themselves, and the idle limit that their sessions get from it. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('user_settings')
    .addColumn('user_id', 'text', (c) => c.primaryKey().references('users.id').onDelete('cascade'))
    .addColumn('theme', 'text', (c) => c.notNull())
    .addColumn('date_format', 'text', (c) => c.notNull())
    .addColumn('alert_minutes', 'integer', (c) => c.notNull())
    .addColumn('idle_timeout_ms', 'bigint')
    .addColumn('default_broker', 'text')
    .addColumn('version', 'integer', (c) => c.notNull())
    .addColumn('idle_applied', 'integer', (c) => c.notNull())
    .execute();
  await sql`create index user_settings_to_apply on user_settings (user_id) where idle_applied <> version`.execute(
    db,
  );

  await db.schema.alterTable('sessions').addColumn('own_idle_ms', 'bigint').execute();
  // Looked at every second; nearly all sessions have no limit of their own.
  await sql`create index sessions_by_own_deadline on sessions ((last_seen + own_idle_ms)) where own_idle_ms is not null`.execute(
    db,
  );
}
