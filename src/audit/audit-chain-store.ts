import { type Kysely, sql, type Transaction } from 'kysely';
import { type AuditRow, type ChainHead, GENESIS } from '../core/audit-chain.ts';
import type { Database } from '../storage/database.ts';
import type { Schema } from '../storage/schema.ts';

/** Rows to append behind a head, and their counts by the hour. */
export interface LinkedBatch {
  readonly rows: readonly AuditRow[];
  readonly hours: readonly HourCount[];
}

/** `hour`: ms since the epoch at which it begins. */
export interface HourCount {
  readonly hour: number;
  readonly kind: string;
  readonly events: number;
}

/** The head, and the last row that was removed for its age (`seq` 0 while none was). */
export interface ChainState {
  readonly head: ChainHead;
  readonly pruned: ChainHead;
}

/** The end of the chain in SQL, and what moves it. */
export interface AuditChainStore {
  /**
   * Appends what `link` makes of the head, under the head's lock. Called a second time where another process was quicker.
   * All of it is stored, or nothing.
   */
  append(link: (head: ChainHead) => LinkedBatch): Promise<void>;
  /**
   * The same, declares everything up to `through` removed, and removes that row; `link` is to write down that it is. The
   * rows before it go with `deletePruned`. Rejects, and nothing is declared, where the database does not let that row go: by
   * its own clock it is too young.
   */
  appendPruning(through: ChainHead, link: (head: ChainHead) => LinkedBatch): Promise<void>;
  /** Deletes up to so many rows that were declared removed, the oldest first; returns how many those were. */
  deletePruned(limit: number): Promise<number>;
  state(): Promise<ChainState>;
}

type Executor = Kysely<Schema> | Transaction<Schema>;

export function createAuditChainStore({ db, dialect }: Database): AuditChainStore {
  const write = dialect === 'sqlite' ? writeSqlite : writePostgres;
  /** The head as this process left it; undefined where that is not known for certain. */
  let remembered: ChainHead | undefined;

  async function append(link: (head: ChainHead) => LinkedBatch): Promise<void> {
    const known = remembered;
    remembered = undefined;
    // On Postgres a transaction of one statement, which moves nothing where another node was quicker.
    if (dialect === 'postgres' && known !== undefined) {
      const batch = link(known);
      if (await write(db, known, batch)) return remember(batch);
    }
    remember(
      await db.transaction().execute(async (trx) => {
        const head = await lockHead(trx);
        const batch = link(head);
        await write(trx, head, batch);
        return batch;
      }),
    );
  }

  function remember({ rows }: LinkedBatch): void {
    const last = rows.at(-1);
    remembered = last === undefined ? undefined : { seq: last.seq, hash: last.hash };
  }

  return {
    append,

    async appendPruning(through, link) {
      remembered = undefined;
      await db.transaction().execute(async (trx) => {
        const head = await lockHead(trx);
        await write(trx, head, link(head));
        await trx
          .updateTable('audit_head')
          .set({ pruned_seq: through.seq, pruned_hash: through.hash })
          .where('id', '=', 1)
          .execute();
        await trx.deleteFrom('audit_log').where('id', '=', through.seq).execute();
      });
    },

    async deletePruned(limit) {
      const { numDeletedRows } = await db
        .deleteFrom('audit_log')
        .where('id', 'in', (eb) =>
          eb
            .selectFrom('audit_log as old')
            .select('old.id')
            .where('old.id', '<=', (head) => head.selectFrom('audit_head').select('pruned_seq'))
            .orderBy('old.id')
            .limit(limit),
        )
        .executeTakeFirst();
      return Number(numDeletedRows);
    },

    state: () => readChainState(db),
  };
}

/** Asked for in one transaction or statement, head and rows are of one moment. */
export async function readChainState(db: Executor): Promise<ChainState> {
  const row = await db.selectFrom('audit_head').selectAll().where('id', '=', 1).executeTakeFirst();
  if (row === undefined) return { head: GENESIS, pruned: GENESIS };
  return {
    head: { seq: row.seq, hash: row.hash },
    pruned: { seq: row.pruned_seq, hash: row.pruned_hash },
  };
}

/** An update of nothing: the row's lock on Postgres, and on SQLite the whole file's, before anything was read. */
async function lockHead(trx: Transaction<Schema>): Promise<ChainHead> {
  const { rows } = await sql<ChainHead>`
    update audit_head set id = id where id = 1 returning seq, hash`.execute(trx);
  const [head] = rows;
  if (head === undefined) throw new Error('The head of the audit log is gone: run curfew audit verify');
  return head;
}

/** Inside a transaction that has the lock, which is the only way on SQLite. */
async function writeSqlite(trx: Executor, _head: ChainHead, { rows, hours }: LinkedBatch): Promise<boolean> {
  const last = rows.at(-1);
  if (last === undefined) return true;
  await sql`update audit_head set seq = ${last.seq}, hash = ${last.hash} where id = 1`.execute(trx);
  await sql`
    insert into audit_log (id, at, type, user_id, actor, address, request_id, detail, hash)
    select value ->> 'seq', value ->> 'at', value ->> 'type', value ->> 'userId', value ->> 'actor',
      value ->> 'address', value ->> 'requestId', value ->> 'detail', value ->> 'hash'
    from json_each(${JSON.stringify(rows)})`.execute(trx);
  await sql`
    insert into audit_hours (hour, kind, events)
    select value ->> 'hour', value ->> 'kind', value ->> 'events' from json_each(${JSON.stringify(hours)})
    where true
    on conflict (hour, kind) do update set events = events + excluded.events`.execute(trx);
  return true;
}

/** One statement; false, and nothing is written, where the head is another one. */
async function writePostgres(db: Executor, head: ChainHead, { rows, hours }: LinkedBatch): Promise<boolean> {
  const last = rows.at(-1);
  if (last === undefined) return true;
  const { rows: moved } = await sql`
    with moved as (
      update audit_head set seq = ${last.seq}, hash = ${last.hash}
      where id = 1 and seq = ${head.seq} and hash = ${head.hash}
      returning id
    ), written as (
      insert into audit_log (id, at, type, user_id, actor, address, request_id, detail, hash)
      select seq, at, type, "userId", actor, address, "requestId", detail, hash
      from json_to_recordset(${JSON.stringify(rows)}::json) as r(seq bigint, at bigint, type text,
        "userId" text, actor text, address text, "requestId" text, detail text, hash text)
      where exists (select 1 from moved)
    ), counted as (
      insert into audit_hours (hour, kind, events)
      select hour, kind, events
      from json_to_recordset(${JSON.stringify(hours)}::json) as r(hour bigint, kind text, events integer)
      where exists (select 1 from moved)
      on conflict (hour, kind) do update set events = audit_hours.events + excluded.events
    )
    select id from moved`.execute(db);
  return moved.length === 1;
}
