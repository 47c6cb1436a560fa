import { CompiledQuery, type Transaction } from 'kysely';
import type { Database, DatabaseDialect } from '../../storage/database.ts';
import type { Schema, TrafficLogTable } from '../../storage/schema.ts';
import { writeWithoutWaiting } from '../../storage/without-waiting.ts';
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

/** Stored columns of an entry: the column, its type on Postgres, and its value. */
const COLUMNS: readonly Column[] = [
  ['at', 'bigint', ({ at }) => at],
  ['request_id', 'text', ({ requestId }) => requestId],
  ['method', 'text', ({ method }) => method],
  ['pattern', 'text', ({ pattern }) => pattern ?? null],
  ['path', 'text', ({ path }) => path],
  ['route_class', 'text', ({ routeClass }) => routeClass],
  ['status', 'integer', ({ status }) => status],
  ['aborted', 'integer', ({ aborted }) => (aborted ? 1 : 0)],
  ['duration_ms', 'integer', ({ durationMs }) => durationMs],
  ['bytes', 'bigint', ({ bytes }) => bytes],
  ['user_id', 'text', ({ userId }) => userId ?? null],
  ['address', 'text', ({ address }) => address],
  ['requests', 'integer', ({ requests }) => requests],
];

type Column = readonly [
  name: keyof TrafficLogTable,
  type: 'bigint' | 'integer' | 'text',
  of: (entry: TrafficEntry) => string | number | null,
];

/** One statement for any number of rows, which come as JSON: to put one together for each batch took as long as writing it. */
const INSERT: Readonly<Record<DatabaseDialect, string>> = {
  sqlite: insertFrom(
    COLUMNS.map((_, index) => `value->>${index}`),
    'json_each(?)',
  ),
  postgres: insertFrom(
    COLUMNS.map(([, type], index) => `(value->>${index})::${type}`),
    'json_array_elements($1::json)',
  ),
};

function insertFrom(values: readonly string[], rows: string): string {
  const names = COLUMNS.map(([name]) => name);
  return `insert into traffic_log (${names}) select ${values} from ${rows} where true on conflict (request_id) do nothing`;
}

export function createTrafficStore({ db, dialect }: Pick<Database, 'db' | 'dialect'>): TrafficStore {
  return {
    write: ({ entries, hours }) =>
      writeWithoutWaiting({ db, dialect }, async (trx) => {
        if (entries.length > 0 && (await insert(trx, dialect, entries)) === 0) return;
        if (hours.length > 0) await addHours(trx, hours);
      }),

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
async function insert(
  trx: Transaction<Schema>,
  dialect: DatabaseDialect,
  entries: readonly TrafficEntry[],
): Promise<number> {
  const rows = JSON.stringify(entries.map((entry) => COLUMNS.map(([, , of]) => of(entry))));
  const { numAffectedRows } = await trx.executeQuery(CompiledQuery.raw(INSERT[dialect], [rows]));
  return Number(numAffectedRows ?? 0);
}
