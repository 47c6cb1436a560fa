import { type Kysely, sql } from 'kysely';

/** Mails that wait to be sent. What they say is encrypted, and gone afterwards. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('mail_messages')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('recipient', 'text', (c) => c.notNull())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('sealed', 'text')
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('next_attempt_at', 'bigint', (c) => c.notNull())
    .addColumn('expires_at', 'bigint', (c) => c.notNull())
    .addColumn('failures', 'integer', (c) => c.notNull())
    .addColumn('status', 'text', (c) => c.notNull().check(sql`status in ('open', 'sent', 'failed')`))
    .addColumn('problem', 'text')
    .addColumn('ended_at', 'bigint')
    .execute();
  await sql`create index mail_messages_open on mail_messages (next_attempt_at) where status = 'open'`.execute(
    db,
  );
  await sql`create index mail_messages_ended on mail_messages (ended_at) where ended_at is not null`.execute(
    db,
  );
}
