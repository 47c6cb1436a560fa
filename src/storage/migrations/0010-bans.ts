import type { Kysely } from 'kysely';
import type { MigrationContext } from '../migrate.ts';

/** Banned and trusted addresses, how often each was banned, what is counted against them, and the rules for that. */
export async function up(db: Kysely<unknown>, { serial }: MigrationContext): Promise<void> {
  await db.schema
    .createTable('ban_state')
    .addColumn('id', 'integer', (c) => c.primaryKey())
    .addColumn('version', 'bigint', (c) => c.notNull())
    .addColumn('rules', 'text')
    .execute();
  await (db as Kysely<{ ban_state: { id: number; version: number; rules: string | null } }>)
    .insertInto('ban_state')
    .values({ id: 1, version: 1, rules: null })
    .execute();

  await db.schema
    .createTable('bans')
    .addColumn('id', serial.type, serial.build)
    .addColumn('subject', 'text', (c) => c.notNull().unique())
    .addColumn('reason', 'text', (c) => c.notNull())
    .addColumn('note', 'text', (c) => c.notNull())
    .addColumn('offence', 'integer', (c) => c.notNull())
    .addColumn('banned_by', 'text', (c) => c.notNull())
    .addColumn('banned_at', 'bigint', (c) => c.notNull())
    .addColumn('expires_at', 'bigint')
    .execute();
  await db.schema.createIndex('bans_by_expiry').on('bans').column('expires_at').execute();

  await db.schema
    .createTable('ban_offences')
    .addColumn('subject', 'text', (c) => c.primaryKey())
    .addColumn('offences', 'integer', (c) => c.notNull())
    .addColumn('last_at', 'bigint', (c) => c.notNull())
    .execute();

  await db.schema
    .createTable('ban_hits')
    .addColumn('id', serial.type, serial.build)
    .addColumn('subject', 'text', (c) => c.notNull())
    .addColumn('cause', 'text', (c) => c.notNull())
    .addColumn('at', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema
    .createIndex('ban_hits_by_subject')
    .on('ban_hits')
    .columns(['subject', 'cause', 'at'])
    .execute();
  await db.schema.createIndex('ban_hits_by_time').on('ban_hits').column('at').execute();

  await db.schema
    .createTable('trusted_addresses')
    .addColumn('block', 'text', (c) => c.primaryKey())
    .addColumn('note', 'text', (c) => c.notNull())
    .addColumn('added_by', 'text', (c) => c.notNull())
    .addColumn('added_at', 'bigint', (c) => c.notNull())
    .execute();
}
