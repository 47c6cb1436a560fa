import { type Kysely, sql } from 'kysely';
import type { MigrationContext } from '../migrate.ts';

/** What is out of its normal range, or was. Whoever hears of bans hears of alarms, until they say otherwise. */
export async function up(db: Kysely<unknown>, { serial }: MigrationContext): Promise<void> {
  await db.schema
    .createTable('alarms')
    .addColumn('id', serial.type, serial.build)
    .addColumn('cause', 'text', (c) => c.notNull())
    .addColumn('raised_at', 'bigint', (c) => c.notNull())
    .addColumn('seen_at', 'bigint', (c) => c.notNull())
    .addColumn('ended_at', 'bigint')
    .addColumn('figure', 'double precision', (c) => c.notNull())
    .addColumn('worst', 'double precision', (c) => c.notNull())
    .addColumn('normal', 'double precision', (c) => c.notNull())
    .addColumn('node', 'text', (c) => c.notNull())
    .addColumn('busiest', 'text', (c) => c.notNull())
    .execute();
  // Of a cause there is one alarm at a time: whichever node is second finds it there.
  await sql`create unique index alarms_open on alarms (cause) where ended_at is null`.execute(db);
  await db.schema.createIndex('alarms_by_time').on('alarms').column('raised_at').execute();

  const bots = db as Kysely<{ telegram_bots: { events: string } }>;
  await bots
    .updateTable('telegram_bots')
    .set({ events: sql`events || ',alarm'` })
    .where(sql<boolean>`',' || events || ',' like '%,ban,%'`)
    .execute();
}
