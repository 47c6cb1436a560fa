import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Kysely, type RawBuilder, type Selectable, sql } from 'kysely';
import type { AuditRow } from '../core/audit-chain.ts';
import { MINUTE_MS } from '../core/duration.ts';
import { containsText } from '../storage/contains-text.ts';
import type { Database } from '../storage/database.ts';
import type { AuditLogTable, Schema } from '../storage/schema.ts';
import { toAuditRow } from './audit-row-store.ts';

/** Conditions of a search; all that are given must hold. */
export interface AuditSearch {
  readonly actor?: string | undefined;
  /** Whom it concerns: a user's id. */
  readonly userId?: string | undefined;
  readonly types?: readonly string[] | undefined;
  readonly address?: string | undefined;
  readonly requestId?: string | undefined;
  /** Half-open, ms since the epoch. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /** Each must stand in the event, or in the title of its type. */
  readonly words?: readonly SearchedWord[] | undefined;
  /** Must stand in the event's JSON, letter by letter. */
  readonly literal?: string | undefined;
}

export interface SearchedWord {
  readonly text: string;
  /** The types whose title has it. */
  readonly types: readonly string[];
  /** The people whose name has it. */
  readonly userIds: readonly string[];
}

/** Newest first from there on: rows older than `before`, or the ones next newer than `after`. */
export interface AuditCursor {
  readonly before?: number | undefined;
  readonly after?: number | undefined;
}

export interface FoundRows {
  /** Newest first. */
  readonly rows: readonly AuditRow[];
  /** Whether there are more in the direction in which was looked. */
  readonly more: boolean;
  /** Where the search for words stopped, because it had looked at as many rows as one page may cost; go on from here. */
  readonly lookedThrough: number | undefined;
}

export interface AuditSearchStore {
  search(search: AuditSearch, cursor: AuditCursor, limit: number): Promise<FoundRows>;
  /** The types that occur. */
  types(): Promise<readonly string[]>;
}

/** Words are looked for without an index: so many rows are read for a page, and then the reader is asked whether to go on. */
export const LOOKED_AT = 10_000;
/** In one statement: on SQLite no other request is answered meanwhile. */
const BATCH = 1_000;

/** By how much the clocks of two nodes may differ: rows stand in the order in which they were written. */
const SKEW_MS = 5 * MINUTE_MS;

export function createAuditSearchStore({ db, dialect }: Database): AuditSearchStore {
  const like = dialect === 'sqlite' ? sql`like` : sql`ilike`;
  const position = dialect === 'sqlite' ? sql`instr` : sql`strpos`;

  const hasWord = ({ text, types, userIds }: SearchedWord): RawBuilder<unknown> => {
    return sql`(${sql.join(
      [
        containsText(sql.ref('detail'), text, like),
        containsText(sql.ref('actor'), text, like),
        ...oneOf('type', types),
        ...oneOf('user_id', userIds),
      ],
      sql` or `,
    )})`;
  };

  /** One page, or what a batch has of it. */
  async function searchBatch(search: AuditSearch, cursor: AuditCursor, limit: number): Promise<FoundRows> {
    const order = cursor.after === undefined ? sql`desc` : sql`asc`;
    const { words = [], literal } = search;
    const conditionsWithoutIndex = [
      ...words.map(hasWord),
      ...(literal === undefined ? [] : [sql`${position}(detail, ${literal}) > 0`]),
    ];
    const isIndexed = conditionsWithoutIndex.length === 0;
    const size = isIndexed ? limit + 1 : BATCH;
    const conditions = await conditionsOf(db, search, cursor);
    const looked = sql`
        select id from (${candidates(conditions, search.types, order, size)}) as candidate
        order by id ${order} limit ${size}`;
    const { rows } = await sql<Selectable<AuditLogTable>>`
        select * from audit_log
        where ${sql.join([sql`id in (${looked})`, ...conditionsWithoutIndex], sql` and `)}
        order by id ${order} limit ${limit + 1}`.execute(db);
    const page = rows.slice(0, limit).map(toAuditRow);
    const more = rows.length > limit;
    return {
      rows: cursor.after === undefined ? page : page.reverse(),
      more,
      lookedThrough: more || isIndexed ? undefined : await endOf(db, looked, size, cursor),
    };
  }

  return {
    async search(search, cursor, limit) {
      const isForward = cursor.after !== undefined;
      let rows: readonly AuditRow[] = [];
      let from = cursor;
      for (let lookedAt = BATCH; ; lookedAt += BATCH) {
        const found = await searchBatch(search, from, limit - rows.length);
        rows = isForward ? [...found.rows, ...rows] : [...rows, ...found.rows];
        const { more, lookedThrough } = found;
        if (lookedThrough === undefined || lookedAt >= LOOKED_AT) return { rows, more, lookedThrough };
        from = isForward ? { after: lookedThrough } : { before: lookedThrough };
        await nextTurn();
      }
    },

    async types() {
      // From one entry of the index to the next one of another type.
      const { rows } = await sql<{ type: string | null }>`
        with recursive seen(type) as (
          select min(type) from audit_log
          union all
          select (select min(type) from audit_log where type > seen.type) from seen where seen.type is not null
        ) select type from seen where type is not null`.execute(db);
      return rows.flatMap(({ type }) => (type === null ? [] : [type]));
    },
  };
}

async function conditionsOf(
  db: Kysely<Schema>,
  search: AuditSearch,
  cursor: AuditCursor,
): Promise<RawBuilder<unknown>[]> {
  const { since, until } = search;
  const [from, to] = await Promise.all([
    since === undefined ? undefined : firstFrom(db, since - SKEW_MS),
    until === undefined ? undefined : firstFrom(db, until + SKEW_MS),
  ]);
  return [
    ...equals('actor', search.actor),
    ...equals('user_id', search.userId),
    ...equals('address', search.address),
    ...equals('request_id', search.requestId),
    ...(since === undefined ? [] : [sql`at >= ${since}`]),
    ...(until === undefined ? [] : [sql`at < ${until}`]),
    ...(from === undefined ? [] : [sql`id >= ${from}`]),
    ...(to === undefined ? [] : [sql`id <= ${to}`]),
    ...(cursor.before === undefined ? [] : [sql`id < ${cursor.before}`]),
    ...(cursor.after === undefined ? [] : [sql`id > ${cursor.after}`]),
  ];
}

/** The first row that was written at or after an instant, but for the difference of clocks. */
async function firstFrom(db: Kysely<Schema>, instant: number): Promise<number | undefined> {
  const row = await db
    .selectFrom('audit_log')
    .select('id')
    .where('at', '>=', instant)
    .orderBy('at')
    .limit(1)
    .executeTakeFirst();
  return row?.id;
}

/** Ids in order, the first `limit` of each type by its own piece of an index. */
function candidates(
  conditions: readonly RawBuilder<unknown>[],
  types: readonly string[] | undefined,
  order: RawBuilder<unknown>,
  limit: number,
): RawBuilder<unknown> {
  const part = (more: readonly RawBuilder<unknown>[]) => {
    const all = [...conditions, ...more];
    const where = all.length === 0 ? sql`` : sql`where ${sql.join(all, sql` and `)}`;
    return sql`select * from (select id from audit_log ${where} order by id ${order} limit ${limit}) as part`;
  };
  if (types === undefined) return part([]);
  if (types.length === 0) return sql`select id from audit_log where 1 = 0`;
  return sql.join(
    types.map((type) => part([sql`type = ${type}`])),
    sql` union all `,
  );
}

async function endOf(
  db: Kysely<Schema>,
  looked: RawBuilder<unknown>,
  size: number,
  cursor: AuditCursor,
): Promise<number | undefined> {
  const { rows } = await sql<{ count: number; oldest: number; newest: number }>`
    select count(*) as count, min(id) as oldest, max(id) as newest from (${looked}) as looked`.execute(db);
  const [end] = rows;
  if (end === undefined || Number(end.count) < size) return undefined;
  return cursor.after === undefined ? end.oldest : end.newest;
}

const equals = (column: string, value: string | undefined): RawBuilder<unknown>[] =>
  value === undefined ? [] : [sql`${sql.ref(column)} = ${value}`];

const oneOf = (column: string, values: readonly string[]): RawBuilder<unknown>[] =>
  values.length === 0 ? [] : [sql`${sql.ref(column)} in (${sql.join(values)})`];
