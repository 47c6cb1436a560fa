import type { Kysely } from 'kysely';

/** When each rule of the gateway last let a request through, and whose. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('gateway_uses')
    .addColumn('rule', 'text', (c) => c.primaryKey())
    .addColumn('used_at', 'bigint', (c) => c.notNull())
    .addColumn('username', 'text')
    .execute();
}
