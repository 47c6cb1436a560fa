import { type Kysely, sql } from 'kysely';

/** Users, their session version (`epoch`), and what they choose for themselves. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('users')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('username', 'text', (c) => c.notNull())
    .addColumn('username_key', 'text', (c) => c.notNull().unique())
    .addColumn('email', 'text', (c) => c.notNull())
    .addColumn('password_hash', 'text', (c) => c.notNull())
    .addColumn('role', 'text', (c) => c.notNull().check(sql`role in ('admin', 'user')`))
    .addColumn('disabled', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('last_sign_in_at', 'bigint')
    .execute();

  await db.schema
    .createTable('user_epochs')
    .addColumn('user_id', 'text', (c) => c.primaryKey())
    .addColumn('epoch', 'integer', (c) => c.notNull())
    .execute();

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
}
