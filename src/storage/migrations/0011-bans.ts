import type { Kysely } from 'kysely';
import type { MigrationContext } from '../migrate.ts';

/** Bans, how often each address was banned, what is counted against it, and the addresses that are not banned. */
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

  await db.schema
    .createTable('known_addresses')
    .addColumn('subject', 'text', (c) => c.notNull())
    .addColumn('user_id', 'text', (c) => c.notNull())
    .addColumn('last_at', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('known_addresses_key', ['subject', 'user_id'])
    .execute();
  await db.schema
    .createIndex('known_addresses_by_user')
    .on('known_addresses')
    .columns(['user_id', 'last_at'])
    .execute();
  await db.schema.createIndex('known_addresses_by_time').on('known_addresses').column('last_at').execute();
}
