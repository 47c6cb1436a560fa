import { type Kysely, sql } from 'kysely';
import type { MigrationContext } from '../migrate.ts';

/** Requests, each and by the hour; what browsers blocked on pages; alerts. */
export async function up(db: Kysely<unknown>, { serial }: MigrationContext): Promise<void> {
  await db.schema
    .createTable('traffic_log')
    .addColumn('id', serial.type, serial.build)
    .addColumn('at', 'bigint', (c) => c.notNull())
    // Tells after a lost answer whether a batch was written.
    .addColumn('request_id', 'text', (c) => c.notNull().unique())
    .addColumn('method', 'text', (c) => c.notNull())
    .addColumn('pattern', 'text')
    .addColumn('path', 'text', (c) => c.notNull())
    .addColumn('route_class', 'text', (c) => c.notNull())
    .addColumn('status', 'integer', (c) => c.notNull())
    .addColumn('aborted', 'integer', (c) => c.notNull())
    .addColumn('duration_ms', 'integer', (c) => c.notNull())
    .addColumn('bytes', 'bigint', (c) => c.notNull())
    // No reference: the log outlives users.
    .addColumn('user_id', 'text')
    .addColumn('address', 'text')
    .addColumn('requests', 'integer', (c) => c.notNull().defaultTo(1))
    .execute();
  await db.schema.createIndex('traffic_log_by_time').on('traffic_log').columns(['at', 'id']).execute();
  await db.schema
    .createIndex('traffic_log_by_user')
    .on('traffic_log')
    .columns(['user_id', 'at', 'id'])
    .execute();
  await db.schema
    .createIndex('traffic_log_by_address')
    .on('traffic_log')
    .columns(['address', 'at', 'id'])
    .execute();

  const columns = ['requests', 'not_found', 'client_errors', 'server_errors'];
  // By how long they took.
  const buckets = Array.from({ length: 10 }, (_, bucket) => `b${bucket}`);
  let hours = db.schema
    .createTable('traffic_hours')
    .addColumn('hour', 'bigint', (c) => c.notNull())
    .addColumn('route_class', 'text', (c) => c.notNull());
  for (const column of [...columns, ...buckets])
    hours = hours.addColumn(column, 'integer', (c) => c.notNull());
  await hours.addPrimaryKeyConstraint('traffic_hours_key', ['hour', 'route_class']).execute();

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
  // One open alert for each cause, whichever node raises it.
  await sql`create unique index alarms_open on alarms (cause) where ended_at is null`.execute(db);
  await db.schema.createIndex('alarms_by_time').on('alarms').column('raised_at').execute();
}
