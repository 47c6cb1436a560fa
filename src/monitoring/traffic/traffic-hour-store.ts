import type { Kysely, Selectable } from 'kysely';
import type { Database } from '../../storage/database.ts';
import type { Schema, TrafficHoursTable } from '../../storage/schema.ts';
import type { TrafficHour } from './hour-tally.ts';

/** Counts of requests, hour by hour. */
export interface TrafficHourStore {
  /** The hours that begin at the instant or later, oldest first. */
  since(instant: number): Promise<readonly TrafficHour[]>;
  removeBefore(instant: number): Promise<void>;
}

const BUCKETS = ['b0', 'b1', 'b2', 'b3', 'b4', 'b5', 'b6', 'b7', 'b8', 'b9'] as const;
const COUNTS = ['requests', 'not_found', 'client_errors', 'server_errors', ...BUCKETS] as const;

export function createTrafficHourStore({ db }: Pick<Database, 'db'>): TrafficHourStore {
  return {
    async since(instant) {
      const rows = await db
        .selectFrom('traffic_hours')
        .selectAll()
        .where('hour', '>=', instant)
        .orderBy('hour')
        .orderBy('route_class')
        .execute();
      return rows.map(toHour);
    },

    async removeBefore(instant) {
      await db.deleteFrom('traffic_hours').where('hour', '<', instant).execute();
    },
  };
}

/** Adds counts to what is there, of this node and of others. Of hours and classes in one order, or two nodes could lock each other out. */
export async function addHours(db: Kysely<Schema>, hours: readonly TrafficHour[]): Promise<void> {
  await db
    .insertInto('traffic_hours')
    .values(hours.map(toRow))
    .onConflict((conflict) =>
      conflict
        .columns(['hour', 'route_class'])
        .doUpdateSet((eb) =>
          Object.fromEntries(
            COUNTS.map((name) => [name, eb(`traffic_hours.${name}`, '+', eb.ref(`excluded.${name}`))]),
          ),
        ),
    )
    .execute();
}

function toRow({ hour, routeClass, requests, notFound, clientErrors, serverErrors, buckets }: TrafficHour) {
  const [b0 = 0, b1 = 0, b2 = 0, b3 = 0, b4 = 0, b5 = 0, b6 = 0, b7 = 0, b8 = 0, b9 = 0] = buckets;
  return {
    hour,
    route_class: routeClass,
    requests,
    not_found: notFound,
    client_errors: clientErrors,
    server_errors: serverErrors,
    ...{ b0, b1, b2, b3, b4, b5, b6, b7, b8, b9 },
  };
}

function toHour(row: Selectable<TrafficHoursTable>): TrafficHour {
  return {
    hour: row.hour,
    routeClass: row.route_class,
    requests: row.requests,
    notFound: row.not_found,
    clientErrors: row.client_errors,
    serverErrors: row.server_errors,
    buckets: BUCKETS.map((name) => row[name]),
  };
}
