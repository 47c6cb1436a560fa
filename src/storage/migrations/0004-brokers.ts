import { type Kysely, sql } from 'kysely';

/** Broker credentials and tokens, authorizations on their way, and the queue of broker logouts. */
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

  await db.schema
    .createTable('broker_tokens')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('user_id', 'text', (c) => c.notNull().references('users.id').onDelete('cascade'))
    .addColumn('broker', 'text', (c) => c.notNull())
    .addColumn('access_token', 'text')
    .addColumn('feed_token', 'text')
    .addColumn('epoch', 'integer', (c) => c.notNull())
    .addColumn('issued_at', 'bigint', (c) => c.notNull())
    .addColumn('expires_at', 'bigint', (c) => c.notNull())
    .addColumn('is_revoked', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('revoked_at', 'bigint')
    .addColumn('revoke_reason', 'text')
    .addColumn('token_digest', 'text')
    .addColumn('refresh_token', 'text')
    .addColumn('refresh_at', 'bigint')
    .addColumn('refresh_failures', 'integer', (c) => c.notNull().defaultTo(0))
    .execute();
  // The database itself allows one live token for each user and broker.
  await sql`create unique index broker_tokens_live on broker_tokens (user_id, broker) where is_revoked = 0`.execute(
    db,
  );
  await db.schema
    .createIndex('broker_tokens_by_issued_at')
    .on('broker_tokens')
    .columns(['is_revoked', 'issued_at'])
    .execute();
  await db.schema
    .createIndex('broker_tokens_by_user')
    .on('broker_tokens')
    .columns(['user_id', 'broker', 'is_revoked', 'issued_at'])
    .execute();
  await db.schema
    .createIndex('broker_tokens_by_refresh_at')
    .on('broker_tokens')
    .columns(['is_revoked', 'refresh_at'])
    .execute();
  // Years of ended connections stay; each page asks for the last days of one user's.
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

  await db.schema
    .createTable('broker_authorizations')
    .addColumn('state_digest', 'text', (c) => c.primaryKey())
    .addColumn('session_digest', 'text', (c) => c.notNull())
    .addColumn('user_id', 'text', (c) => c.notNull().references('users.id').onDelete('cascade'))
    .addColumn('broker', 'text', (c) => c.notNull())
    .addColumn('code_verifier', 'text', (c) => c.notNull())
    .addColumn('return_to', 'text', (c) => c.notNull())
    .addColumn('expires_at', 'bigint', (c) => c.notNull())
    .execute();

  await db.schema
    .createTable('broker_logouts')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('user_id', 'text', (c) => c.notNull().references('users.id').onDelete('cascade'))
    .addColumn('broker', 'text', (c) => c.notNull())
    .addColumn('access_token', 'text')
    .addColumn('requested_at', 'bigint', (c) => c.notNull())
    .addColumn('attempts', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('next_attempt_at', 'bigint', (c) => c.notNull())
    .addColumn('status', 'text', (c) => c.notNull())
    .addColumn('last_error', 'text')
    .addColumn('token_digest', 'text')
    .addColumn('expires_at', 'bigint')
    .addColumn('order_id', 'text')
    .execute();
  await db.schema
    .createIndex('broker_logouts_open')
    .on('broker_logouts')
    .columns(['status', 'next_attempt_at'])
    .execute();
  // Only some logouts belong to a revocation: a receipt asks for those.
  await sql`create index broker_logouts_by_order on broker_logouts (order_id) where order_id is not null`.execute(
    db,
  );
}
