import { type Kysely, sql } from 'kysely';
import type { MigrationContext } from '../migrate.ts';

/** Telegram bots, and the messages that they send. */
export async function up(db: Kysely<unknown>, { serial }: MigrationContext): Promise<void> {
  await db.schema
    .createTable('telegram_bots')
    .addColumn('user_id', 'text', (c) => c.primaryKey().references('users.id').onDelete('cascade'))
    .addColumn('bot_token', 'text', (c) => c.notNull())
    .addColumn('bot_name', 'text')
    .addColumn('chat_id', 'text')
    .addColumn('link_code', 'text', (c) => c.notNull())
    .addColumn('events', 'text', (c) => c.notNull())
    .addColumn('version', 'bigint', (c) => c.notNull())
    .addColumn('set_at', 'bigint', (c) => c.notNull())
    .addColumn('problem', 'text')
    .addColumn('next_send_at', 'bigint', (c) => c.notNull())
    .addColumn('claims', 'integer', (c) => c.notNull())
    .addColumn('answered_at', 'bigint', (c) => c.notNull())
    .addColumn('pace_ms', 'bigint', (c) => c.notNull())
    .addColumn('failures', 'integer', (c) => c.notNull())
    .execute();

  await db.schema
    .createTable('telegram_messages')
    .addColumn('id', serial.type, serial.build)
    .addColumn('user_id', 'text', (c) => c.notNull().references('users.id').onDelete('cascade'))
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('body', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('send_at', 'bigint', (c) => c.notNull())
    .addColumn('expires_at', 'bigint', (c) => c.notNull())
    .addColumn('status', 'text', (c) => c.notNull())
    .addColumn('ended_at', 'bigint')
    .addColumn('why', 'text')
    .addColumn('dedupe_key', 'text', (c) => c.unique())
    .addColumn('awaits', 'text')
    .execute();
  // The queue is looked at every other second and is empty nearly always, beside a week of messages that were sent.
  await sql`create index telegram_messages_open on telegram_messages (send_at) where status = 'open'`.execute(
    db,
  );
  await sql`create index telegram_messages_failed on telegram_messages (ended_at) where status = 'failed'`.execute(
    db,
  );
  await db.schema
    .createIndex('telegram_messages_by_user')
    .on('telegram_messages')
    .columns(['user_id', 'id'])
    .execute();
  await db.schema
    .createIndex('telegram_messages_by_end')
    .on('telegram_messages')
    .column('ended_at')
    .execute();
}
