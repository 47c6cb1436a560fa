import { type ExpressionBuilder, type Selectable, type SelectQueryBuilder, sql } from 'kysely';
import { containsText } from '../../storage/contains-text.ts';
import type { Database } from '../../storage/database.ts';
import type { Schema, TrafficLogTable } from '../../storage/schema.ts';
import type { TrafficEntry } from './traffic-entry.ts';
import type { TrafficFilter } from './traffic-filter.ts';

/** A cursor in the log: newest first, and of one millisecond what was written last. */
export interface TrafficCursor {
  readonly at: number;
  readonly id: number;
}

export interface StoredTraffic extends TrafficEntry, TrafficCursor {
  /** Undefined for strangers and deleted accounts. */
  readonly username: string | undefined;
}

/** A part of the log, from behind `after` (or its beginning) up to `through` (or its end), newest first. */
export interface TrafficStretch {
  readonly after?: TrafficCursor | undefined;
  readonly through?: TrafficCursor | undefined;
}

export interface TrafficSearchStore {
  /** Entries that fit the filter, newest first. Looks at every entry of the stretch that an index does not find. */
  list(filter: TrafficFilter, stretch: TrafficStretch, limit: number): Promise<readonly StoredTraffic[]>;
  /** The cursor so many entries behind `after`, of those that an index finds; undefined where there are fewer. */
  cursorBehind(
    filter: TrafficFilter,
    after: TrafficCursor | undefined,
    entries: number,
  ): Promise<TrafficCursor | undefined>;
  findByRequest(requestId: string): Promise<StoredTraffic | undefined>;
}

type Query<Columns> = SelectQueryBuilder<Schema, 'traffic_log', Columns>;
type Conditions = ExpressionBuilder<Schema, 'traffic_log'>;

export function createTrafficSearchStore({ db }: Pick<Database, 'db'>): TrafficSearchStore {
  async function withNames(rows: readonly Selectable<TrafficLogTable>[]): Promise<readonly StoredTraffic[]> {
    const ids = [...new Set(rows.flatMap(({ user_id }) => (user_id === null ? [] : [user_id])))];
    const people =
      ids.length === 0
        ? []
        : await db.selectFrom('users').select(['id', 'username']).where('id', 'in', ids).execute();
    const names = new Map(people.map(({ id, username }) => [id, username]));
    return rows.map((row) => toStored(row, names.get(row.user_id ?? '')));
  }

  return {
    async list(filter, { after, through }, limit) {
      let query = newestFirst(indexed(db.selectFrom('traffic_log').selectAll(), filter, after)).limit(limit);
      if (through !== undefined)
        query = query.where(sql<boolean>`(at, id) >= (${through.at}, ${through.id})`);
      return withNames(await query.where((eb) => eb.and(otherConditions(eb, filter))).execute());
    },

    cursorBehind: (filter, after, entries) =>
      newestFirst(indexed(db.selectFrom('traffic_log').select(['at', 'id']), filter, after))
        .offset(entries - 1)
        .limit(1)
        .executeTakeFirst(),

    async findByRequest(requestId) {
      const rows = await db
        .selectFrom('traffic_log')
        .selectAll()
        .where('request_id', '=', requestId)
        .execute();
      return (await withNames(rows)).at(0);
    },
  };
}

/** Whether a filter asks for what no index finds. */
export function needsLooking({ method, status, text, slowerThanMs }: TrafficFilter): boolean {
  return [method, status, text, slowerThanMs].some((part) => part !== undefined);
}

function newestFirst<Columns>(query: Query<Columns>): Query<Columns> {
  return query.orderBy('at', 'desc').orderBy('id', 'desc');
}

function indexed<Columns>(
  query: Query<Columns>,
  { from, to, userId, address, requestId }: TrafficFilter,
  after: TrafficCursor | undefined,
): Query<Columns> {
  let found = query;
  if (userId !== undefined) found = found.where('user_id', '=', userId);
  if (address !== undefined) found = found.where('address', '=', address);
  if (requestId !== undefined) found = found.where('request_id', '=', requestId);
  if (from !== undefined) found = found.where('at', '>=', from);
  if (to !== undefined) found = found.where('at', '<', to);
  return after === undefined ? found : found.where(sql<boolean>`(at, id) < (${after.at}, ${after.id})`);
}

function otherConditions(eb: Conditions, { method, status, text, slowerThanMs }: TrafficFilter) {
  return [
    ...(method === undefined ? [] : [eb('method', '=', method)]),
    ...(status === undefined ? [] : [eb('status', '>=', status.least), eb('status', '<=', status.most)]),
    ...(slowerThanMs === undefined ? [] : [eb('duration_ms', '>', slowerThanMs)]),
    ...(text === undefined ? [] : [contains(text)]),
  ];
}

function contains(text: string) {
  const lower = text.toLowerCase();
  return sql<boolean>`(${containsText(sql`lower(path)`, lower)} or ${containsText(sql`lower(pattern)`, lower)})`;
}

function toStored(row: Selectable<TrafficLogTable>, username: string | undefined): StoredTraffic {
  return {
    id: row.id,
    at: row.at,
    requestId: row.request_id,
    method: row.method,
    pattern: row.pattern ?? undefined,
    path: row.path,
    routeClass: row.route_class,
    status: row.status,
    aborted: row.aborted === 1,
    durationMs: row.duration_ms,
    bytes: row.bytes,
    userId: row.user_id ?? undefined,
    address: row.address,
    requests: row.requests,
    username,
  };
}
