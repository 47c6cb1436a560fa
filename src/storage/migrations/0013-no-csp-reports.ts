import type { Kysely } from 'kysely';

/** Each process keeps the last reports in memory. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropTable('csp_reports').execute();
}
