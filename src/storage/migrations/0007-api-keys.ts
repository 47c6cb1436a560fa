import { type Kysely, sql } from 'kysely';

/** API keys, and the addresses that a user has registered for them: a rule about the user, so it outlasts every key. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('api_keys')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('user_id', 'text', (c) => c.notNull().references('users.id').onDelete('cascade'))
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('secret_hash', 'text')
    .addColumn('scopes', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('expires_at', 'bigint')
    .addColumn('revoked_at', 'bigint')
    .addColumn('address_primary', 'text')
    .addColumn('address_secondary', 'text')
    .addColumn('addresses_changed_at', 'bigint')
    .addColumn('last_used_at', 'bigint')
    .addColumn('last_used_address', 'text')
    .execute();
  // A form that is sent twice makes one key; a name is free again once its key is revoked.
  await sql`create unique index api_keys_live_by_name on api_keys (user_id, name) where revoked_at is null`.execute(
    db,
  );

  await db.schema
    .createTable('address_registrations')
    .addColumn('user_id', 'text', (c) => c.primaryKey().references('users.id').onDelete('cascade'))
    .addColumn('addresses', 'text', (c) => c.notNull())
    .addColumn('changed_at', 'bigint')
    .execute();
}
