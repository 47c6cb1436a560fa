import { type Kysely, sql } from 'kysely';
import type { MigrationContext } from '../migrate.ts';

/** The first house: people, sessions, orders of revocation, broker tokens, the audit log. */
export async function up(db: Kysely<unknown>, { serial }: MigrationContext): Promise<void> {
  await db.schema
    .createTable('installation')
    .addColumn('id', 'integer', (c) => c.primaryKey())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute();

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
    .execute();

  await db.schema
    .createTable('user_epochs')
    .addColumn('user_id', 'text', (c) => c.primaryKey())
    .addColumn('epoch', 'integer', (c) => c.notNull())
    .execute();

  await db.schema
    .createTable('sessions')
    .addColumn('sid', 'text', (c) => c.primaryKey())
    .addColumn('user_id', 'text')
    .addColumn('epoch', 'integer')
    .addColumn('login_time', 'bigint')
    .addColumn('last_seen', 'bigint', (c) => c.notNull())
    .addColumn('body', 'text', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('sessions_by_user').on('sessions').columns(['user_id', 'epoch']).execute();
  await db.schema.createIndex('sessions_by_login_time').on('sessions').column('login_time').execute();
  await db.schema.createIndex('sessions_by_last_seen').on('sessions').column('last_seen').execute();

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
    .execute();
  // One live token for a person and broker: the rule is the database's, not a hope of the code.
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
    .execute();
  await db.schema
    .createIndex('broker_logouts_open')
    .on('broker_logouts')
    .columns(['status', 'next_attempt_at'])
    .execute();

  await db.schema
    .createTable('sandbox_codes')
    .addColumn('code_digest', 'text', (c) => c.primaryKey())
    .addColumn('client_id', 'text', (c) => c.notNull())
    .addColumn('redirect_uri', 'text', (c) => c.notNull())
    .addColumn('code_challenge', 'text', (c) => c.notNull())
    .addColumn('subject', 'text', (c) => c.notNull())
    .addColumn('expires_at', 'bigint', (c) => c.notNull())
    .addColumn('used_at', 'bigint')
    .execute();
  await db.schema
    .createTable('sandbox_tokens')
    .addColumn('token_digest', 'text', (c) => c.primaryKey())
    .addColumn('kind', 'text', (c) => c.notNull().check(sql`kind in ('access', 'feed')`))
    .addColumn('code_digest', 'text', (c) => c.notNull())
    .addColumn('client_id', 'text', (c) => c.notNull())
    .addColumn('subject', 'text', (c) => c.notNull())
    .addColumn('issued_at', 'bigint', (c) => c.notNull())
    .addColumn('expires_at', 'bigint', (c) => c.notNull())
    .addColumn('revoked_at', 'bigint')
    .execute();
  await db.schema.createIndex('sandbox_tokens_by_code').on('sandbox_tokens').column('code_digest').execute();

  await db.schema
    .createTable('audit_log')
    .addColumn('id', serial.type, serial.build)
    .addColumn('at', 'bigint', (c) => c.notNull())
    .addColumn('type', 'text', (c) => c.notNull())
    .addColumn('user_id', 'text')
    .addColumn('actor', 'text', (c) => c.notNull())
    .addColumn('address', 'text')
    .addColumn('request_id', 'text')
    .addColumn('detail', 'text', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('audit_log_by_at').on('audit_log').column('at').execute();
  await db.schema.createIndex('audit_log_by_user').on('audit_log').columns(['user_id', 'at']).execute();

  await db.schema
    .createTable('bus_messages')
    .addColumn('id', serial.type, serial.build)
    .addColumn('sent_at', 'bigint', (c) => c.notNull())
    .addColumn('sender', 'text', (c) => c.notNull())
    .addColumn('body', 'text', (c) => c.notNull())
    .execute();
}
