import type { Kysely } from 'kysely';
import type { MigrationContext } from '../migrate.ts';

/** When this installation was made, and the messages that its nodes send each other. */
export async function up(db: Kysely<unknown>, { serial }: MigrationContext): Promise<void> {
  await db.schema
    .createTable('installation')
    .addColumn('id', 'integer', (c) => c.primaryKey())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute();

  await db.schema
    .createTable('bus_messages')
    .addColumn('id', serial.type, serial.build)
    .addColumn('sent_at', 'bigint', (c) => c.notNull())
    .addColumn('sender', 'text', (c) => c.notNull())
    .addColumn('body', 'text', (c) => c.notNull())
    .execute();
}
