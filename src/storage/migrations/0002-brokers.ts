import type { Kysely } from 'kysely';

/** People's app credentials, refresh tokens, and what the queue of logouts must know to be looked at and tried again. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('broker_credentials')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('user_id', 'text', (c) => c.notNull().references('users.id').onDelete('cascade'))
    .addColumn('broker', 'text', (c) => c.notNull())
    .addColumn('field', 'text', (c) => c.notNull())
    .addColumn('value', 'text', (c) => c.notNull())
    .addColumn('set_at', 'bigint', (c) => c.notNull())
    .addUniqueConstraint('broker_credentials_by_user', ['user_id', 'broker', 'field'])
    .execute();

  await db.schema.alterTable('broker_tokens').addColumn('token_digest', 'text').execute();
  await db.schema.alterTable('broker_tokens').addColumn('refresh_token', 'text').execute();
  await db.schema.alterTable('broker_tokens').addColumn('refresh_at', 'bigint').execute();
  await db.schema
    .alterTable('broker_tokens')
    .addColumn('refresh_failures', 'integer', (c) => c.notNull().defaultTo(0))
    .execute();
  await db.schema
    .createIndex('broker_tokens_by_refresh_at')
    .on('broker_tokens')
    .columns(['is_revoked', 'refresh_at'])
    .execute();
  // Years of ended connections stay; each page asks for the last days of one person's.
  await db.schema
    .createIndex('broker_tokens_by_user_and_time')
    .on('broker_tokens')
    .columns(['user_id', 'is_revoked', 'issued_at'])
    .execute();
  await db.schema
    .createIndex('broker_tokens_by_digest')
    .on('broker_tokens')
    .columns(['broker', 'token_digest'])
    .execute();

  await db.schema.alterTable('broker_logouts').addColumn('token_digest', 'text').execute();
  await db.schema.alterTable('broker_logouts').addColumn('expires_at', 'bigint').execute();
}
