import type { Transaction } from 'kysely';
import type { Database } from '../../storage/database.ts';
import type { Schema } from '../../storage/schema.ts';
import { withoutWaiting } from '../../storage/without-waiting.ts';
import type { TrafficBatch } from './traffic-buffer.ts';
import type { TrafficEntry } from './traffic-entry.ts';
import { addHours } from './traffic-hour-store.ts';

export interface TrafficStore {
  /** All of it or nothing. A batch that was written already is left alone, also where its sender was told that it failed. */
  write(batch: TrafficBatch): Promise<void>;
  /** Removes at most `limit` of what came before the instant, oldest first; returns how many. */
  removeBefore(instant: number, limit: number): Promise<number>;
  /** Removes at most `limit` of what is more than `mostRows`, oldest first; returns how many. */
  removeBeyond(mostRows: number, limit: number): Promise<number>;
  /**
   * How many rows there are, at the most: told by the first and the last number, since counting a million rows would keep
   * everyone else waiting. On Postgres some numbers are given to no row.
   */
  countAtMost(): Promise<number>;
}

export function createTrafficStore({ db, dialect }: Pick<Database, 'db' | 'dialect'>): TrafficStore {
  return {
    write: ({ entries, hours }) =>
      db.transaction().execute((trx) =>
        withoutWaiting(trx, dialect, async () => {
          if (entries.length > 0 && (await insert(trx, entries)) === 0) return;
          if (hours.length > 0) await addHours(trx, hours);
        }),
      ),

    async removeBefore(instant, limit) {
      const { numDeletedRows } = await db
        .deleteFrom('traffic_log')
        .where('id', 'in', (eb) =>
          eb
            .selectFrom('traffic_log as old')
            .select('old.id')
            .where('old.at', '<', instant)
            .orderBy('old.at')
            .orderBy('old.id')
            .limit(limit),
        )
        .executeTakeFirstOrThrow();
      return Number(numDeletedRows);
    },

    async removeBeyond(mostRows, limit) {
      const ends = await findEnds();
      if (ends === undefined) return 0;
      const through = Math.min(ends.last - mostRows, ends.first + limit - 1);
      const { numDeletedRows } = await db
        .deleteFrom('traffic_log')
        .where('id', '<=', through)
        .executeTakeFirstOrThrow();
      return Number(numDeletedRows);
    },

    async countAtMost() {
      const ends = await findEnds();
      return ends === undefined ? 0 : ends.last - ends.first + 1;
    },
  };

  async function findEnds(): Promise<{ readonly first: number; readonly last: number } | undefined> {
    const [first, last] = await Promise.all(
      (['asc', 'desc'] as const).map((order) =>
        db.selectFrom('traffic_log').select('id').orderBy('id', order).limit(1).executeTakeFirst(),
      ),
    );
    return first === undefined || last === undefined ? undefined : { first: first.id, last: last.id };
  }
}

/** Returns how many were not there yet. */
async function insert(trx: Transaction<Schema>, entries: readonly TrafficEntry[]): Promise<number> {
  const { numInsertedOrUpdatedRows } = await trx
    .insertInto('traffic_log')
    .values(entries.map(toRow))
    .onConflict((conflict) => conflict.column('request_id').doNothing())
    .executeTakeFirstOrThrow();
  return Number(numInsertedOrUpdatedRows ?? 0);
}

function toRow(entry: TrafficEntry) {
  return {
    at: entry.at,
    request_id: entry.requestId,
    method: entry.method,
    pattern: entry.pattern ?? null,
    path: entry.path,
    route_class: entry.routeClass,
    status: entry.status,
    aborted: entry.aborted ? (1 as const) : (0 as const),
    duration_ms: entry.durationMs,
    bytes: entry.bytes,
    user_id: entry.userId ?? null,
    address: entry.address,
    requests: entry.requests,
  };
}
