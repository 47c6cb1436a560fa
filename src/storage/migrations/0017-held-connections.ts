import type { Kysely } from 'kysely';

/** Connections that stay until the cutoff when no browser is signed in, and whose account at the broker they are for. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('broker_tokens')
    .addColumn('is_held', 'integer', (c) => c.notNull().defaultTo(0))
    .execute();
  await db.schema.alterTable('broker_tokens').addColumn('client_id', 'text').execute();
  await db.schema
    .alterTable('broker_authorizations')
    .addColumn('is_held', 'integer', (c) => c.notNull().defaultTo(0))
    .execute();
}
