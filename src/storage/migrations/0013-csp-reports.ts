import type { Kysely } from 'kysely';
import type { MigrationContext } from '../migrate.ts';

/** What browsers have blocked on Curfew's pages, each sort once. */
export async function up(db: Kysely<unknown>, { serial }: MigrationContext): Promise<void> {
  await db.schema
    .createTable('csp_reports')
    .addColumn('id', serial.type, serial.build)
    .addColumn('directive', 'text', (c) => c.notNull())
    .addColumn('blocked', 'text', (c) => c.notNull())
    .addColumn('document', 'text', (c) => c.notNull())
    .addColumn('reports', 'bigint', (c) => c.notNull())
    .addColumn('first_at', 'bigint', (c) => c.notNull())
    .addColumn('last_at', 'bigint', (c) => c.notNull())
    .addUniqueConstraint('csp_reports_once', ['directive', 'blocked', 'document'])
    .execute();
  await db.schema.createIndex('csp_reports_by_time').on('csp_reports').columns(['last_at', 'id']).execute();
}
