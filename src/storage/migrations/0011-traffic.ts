import type { Kysely } from 'kysely';
import type { MigrationContext } from '../migrate.ts';

/** A row for each request that is kept, and counts for each hour and class of routes that are kept much longer. */
export async function up(db: Kysely<unknown>, { serial }: MigrationContext): Promise<void> {
  await db.schema
    .createTable('traffic_log')
    .addColumn('id', serial.type, serial.build)
    .addColumn('at', 'bigint', (c) => c.notNull())
    // Whoever is not sure whether a batch was written asks for it by these.
    .addColumn('request_id', 'text', (c) => c.notNull().unique())
    .addColumn('method', 'text', (c) => c.notNull())
    .addColumn('pattern', 'text')
    .addColumn('path', 'text', (c) => c.notNull())
    .addColumn('route_class', 'text', (c) => c.notNull())
    .addColumn('status', 'integer', (c) => c.notNull())
    .addColumn('aborted', 'integer', (c) => c.notNull())
    .addColumn('duration_ms', 'integer', (c) => c.notNull())
    .addColumn('bytes', 'bigint', (c) => c.notNull())
    // No reference: the log outlives people.
    .addColumn('user_id', 'text')
    .addColumn('address', 'text')
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
}
