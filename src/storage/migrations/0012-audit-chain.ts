import { type Kysely, sql } from 'kysely';
import { type AuditFacts, GENESIS, storableText } from '../../core/audit-chain.ts';
import { auditKindsOf, isRefined } from '../../core/audit-kind.ts';
import { startOfIstHour } from '../../core/ist.ts';
import { linkRows } from '../audit-hash.ts';
import type { MigrationContext } from '../migrate.ts';

/**
 * The audit log becomes a chain: sequence numbers without gaps, a hash over each row and the one before it, a head, and
 * triggers that let nobody change what is written. The rows that exist are chained in their order. In one transaction, also
 * on SQLite, so that an old log is there whole or a new one is.
 */
export async function up(db: Kysely<unknown>, { dialect }: MigrationContext): Promise<void> {
  if (dialect === 'postgres') return convert(db, dialect);
  await db.transaction().execute((trx) => convert(trx, dialect));
}

async function convert(db: Kysely<unknown>, dialect: MigrationContext['dialect']): Promise<void> {
  await sql`drop index audit_log_by_at`.execute(db);
  await sql`drop index audit_log_by_user`.execute(db);
  await db.schema.alterTable('audit_log').renameTo('audit_log_unchained').execute();
  await createTables(db, dialect);
  await chainOldRows(db, dialect);
  await db.schema.dropTable('audit_log_unchained').execute();
  await createIndexes(db);
  for (const statement of dialect === 'sqlite' ? SQLITE_GUARDS : POSTGRES_GUARDS)
    await sql.raw(statement).execute(db);
  // Which row of the queue belongs to which order: for the receipt.
  await db.schema.alterTable('broker_logouts').addColumn('order_id', 'text').execute();
  await db.schema
    .createIndex('broker_logouts_by_order')
    .on('broker_logouts')
    .column('order_id')
    .where('order_id' as never, 'is not', null)
    .execute();
}

async function createTables(db: Kysely<unknown>, dialect: MigrationContext['dialect']): Promise<void> {
  await db.schema
    .createTable('audit_log')
    .addColumn('id', dialect === 'sqlite' ? 'integer' : 'bigint', (c) => c.primaryKey())
    .addColumn('at', 'bigint', (c) => c.notNull())
    .addColumn('type', 'text', (c) => c.notNull())
    .addColumn('user_id', 'text')
    .addColumn('actor', 'text', (c) => c.notNull())
    .addColumn('address', 'text')
    .addColumn('request_id', 'text')
    .addColumn('detail', 'text', (c) => c.notNull())
    .addColumn('hash', 'text', (c) => c.notNull())
    .execute();
  await db.schema
    .createTable('audit_head')
    .addColumn('id', 'integer', (c) => c.primaryKey().check(sql`id = 1`))
    .addColumn('seq', 'bigint', (c) => c.notNull())
    .addColumn('hash', 'text', (c) => c.notNull())
    .addColumn('pruned_seq', 'bigint', (c) => c.notNull())
    .addColumn('pruned_hash', 'text', (c) => c.notNull())
    .execute();
  await db.schema
    .createTable('audit_checks')
    .addColumn('id', 'integer', (c) => c.primaryKey().check(sql`id = 1`))
    .addColumn('seq', 'bigint', (c) => c.notNull())
    .addColumn('hash', 'text', (c) => c.notNull())
    .addColumn('checked_at', 'bigint', (c) => c.notNull())
    .addColumn('problem', 'text')
    .execute();
  await sql`insert into audit_checks values (1, 0, ${GENESIS.hash}, 0, null)`.execute(db);
  await db.schema
    .createTable('audit_hours')
    .addColumn('hour', 'bigint', (c) => c.notNull())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('events', 'integer', (c) => c.notNull())
    .addPrimaryKeyConstraint('audit_hours_key', ['hour', 'kind'])
    .execute();
}

const PORTION = 5000;

interface OldRow {
  readonly id: number;
  readonly at: number;
  readonly type: string;
  readonly user_id: string | null;
  readonly actor: string;
  readonly address: string | null;
  readonly request_id: string | null;
  readonly detail: string;
}

async function chainOldRows(db: Kysely<unknown>, dialect: MigrationContext['dialect']): Promise<void> {
  let head = GENESIS;
  for (let last = 0; ; ) {
    const { rows } = await sql<OldRow>`
      select * from audit_log_unchained where id > ${last} order by id limit ${PORTION}`.execute(db);
    const lastRow = rows.at(-1);
    if (lastRow === undefined) break;
    last = lastRow.id;
    const linked = linkRows(head, rows.map(toFacts));
    head = linked.at(-1) ?? head;
    await insertRows(db, dialect, JSON.stringify(linked));
    await countHours(db, dialect, rows);
  }
  await sql`insert into audit_head values (1, ${head.seq}, ${head.hash}, 0, ${GENESIS.hash})`.execute(db);
}

function toFacts(row: OldRow): AuditFacts {
  return {
    at: row.at,
    type: storableText(row.type),
    userId: clean(row.user_id),
    actor: storableText(row.actor),
    address: clean(row.address),
    requestId: clean(row.request_id),
    detail: storableText(row.detail),
  };
}

const clean = (text: string | null): string | null => (text === null ? null : storableText(text));

async function insertRows(
  db: Kysely<unknown>,
  dialect: MigrationContext['dialect'],
  json: string,
): Promise<void> {
  if (dialect === 'sqlite') {
    await sql`
      insert into audit_log
      select value ->> 'seq', value ->> 'at', value ->> 'type', value ->> 'userId', value ->> 'actor',
        value ->> 'address', value ->> 'requestId', value ->> 'detail', value ->> 'hash'
      from json_each(${json})`.execute(db);
    return;
  }
  await sql`
    insert into audit_log
    select seq, at, type, "userId", actor, address, "requestId", detail, hash
    from json_to_recordset(${json}::json) as r(seq bigint, at bigint, type text, "userId" text, actor text,
      address text, "requestId" text, detail text, hash text)`.execute(db);
}

async function countHours(
  db: Kysely<unknown>,
  dialect: MigrationContext['dialect'],
  rows: readonly OldRow[],
): Promise<void> {
  const counts = new Map<string, { hour: number; kind: string; events: number }>();
  for (const row of rows) {
    const hour = startOfIstHour(row.at);
    for (const kind of kindsOf(row)) {
      const count = counts.get(`${hour} ${kind}`) ?? { hour, kind, events: 0 };
      count.events += 1;
      counts.set(`${hour} ${kind}`, count);
    }
  }
  const json = JSON.stringify([...counts.values()]);
  if (dialect === 'sqlite') {
    await sql`
      insert into audit_hours
      select value ->> 'hour', value ->> 'kind', value ->> 'events' from json_each(${json}) where true
      on conflict (hour, kind) do update set events = events + excluded.events`.execute(db);
    return;
  }
  await sql`
    insert into audit_hours
    select hour, kind, events from json_to_recordset(${json}::json) as r(hour bigint, kind text, events integer)
    on conflict (hour, kind) do update set events = audit_hours.events + excluded.events`.execute(db);
}

function kindsOf({ type, detail }: OldRow): readonly string[] {
  if (!isRefined(type)) return [storableText(type)];
  try {
    return auditKindsOf({ ...(JSON.parse(detail) as object), type }).map(storableText);
  } catch {
    return [type];
  }
}

async function createIndexes(db: Kysely<unknown>): Promise<void> {
  await sql`create index audit_log_by_at on audit_log (at)`.execute(db);
  await sql`create index audit_log_by_type on audit_log (type, id)`.execute(db);
  await sql`create index audit_log_by_actor on audit_log (actor, id)`.execute(db);
  await sql`create index audit_log_by_user on audit_log (user_id, id) where user_id is not null`.execute(db);
  await sql`create index audit_log_by_address on audit_log (address, id) where address is not null`.execute(
    db,
  );
  await sql`create index audit_log_by_request on audit_log (request_id) where request_id is not null`.execute(
    db,
  );
}

const ROWS_ARE_FIXED = 'The audit log is append-only: its rows cannot be changed.';
const ROWS_STAY = 'The audit log is append-only: its rows cannot be deleted before they are five years old.';
const HEAD_FORWARD = 'The head of the audit log moves forward only.';
const HEAD_STAYS = 'The head of the audit log cannot be removed.';

/** Five years with two leap days in them. By the database's clock, so that nobody's clock can be set forward for it. */
const FIVE_YEARS_SECONDS = 1827 * 86_400;

/** What may not happen to the head; `n` is the new row, `o` the old one. */
const headGoesBack = (n: string, o: string): string => `
  ${n}.id <> ${o}.id
  or ${n}.seq < ${o}.seq or (${n}.seq = ${o}.seq and ${n}.hash <> ${o}.hash)
  or ${n}.pruned_seq < ${o}.pruned_seq or (${n}.pruned_seq = ${o}.pruned_seq and ${n}.pruned_hash <> ${o}.pruned_hash)
  or ${n}.pruned_seq > ${n}.seq`;

/** `insert or replace` deletes without asking a delete trigger, hence those on insert. */
const SQLITE_GUARDS: readonly string[] = [
  `create trigger audit_log_is_fixed before update on audit_log begin select raise(abort, '${ROWS_ARE_FIXED}'); end`,
  `create trigger audit_log_stays before delete on audit_log
   when old.id > (select pruned_seq from audit_head) or old.at > (unixepoch() - ${FIVE_YEARS_SECONDS}) * 1000
   begin select raise(abort, '${ROWS_STAY}'); end`,
  `create trigger audit_log_is_not_replaced before insert on audit_log
   when exists (select 1 from audit_log where id = new.id)
   begin select raise(abort, '${ROWS_ARE_FIXED}'); end`,
  `create trigger audit_head_forward before update on audit_head when ${headGoesBack('new', 'old')}
   begin select raise(abort, '${HEAD_FORWARD}'); end`,
  `create trigger audit_head_stays before delete on audit_head begin select raise(abort, '${HEAD_STAYS}'); end`,
  `create trigger audit_head_is_not_replaced before insert on audit_head when exists (select 1 from audit_head)
   begin select raise(abort, '${HEAD_FORWARD}'); end`,
];

const POSTGRES_GUARDS: readonly string[] = [
  `create function audit_refuse() returns trigger language plpgsql as $$
   begin raise exception '%', tg_argv[0] using errcode = 'integrity_constraint_violation'; end $$`,
  `create function audit_log_keep() returns trigger language plpgsql as $$
   begin
     if old.id > (select pruned_seq from audit_head)
       or old.at > (extract(epoch from now()) - ${FIVE_YEARS_SECONDS}) * 1000 then
       raise exception '${ROWS_STAY}' using errcode = 'integrity_constraint_violation';
     end if;
     return old;
   end $$`,
  `create trigger audit_log_is_fixed before update on audit_log
   for each row execute function audit_refuse('${ROWS_ARE_FIXED}')`,
  `create trigger audit_log_stays before delete on audit_log for each row execute function audit_log_keep()`,
  `create trigger audit_log_is_not_emptied before truncate on audit_log
   for each statement execute function audit_refuse('${ROWS_STAY}')`,
  `create trigger audit_head_forward before update on audit_head
   for each row when (${headGoesBack('new', 'old')}) execute function audit_refuse('${HEAD_FORWARD}')`,
  `create trigger audit_head_stays before delete on audit_head
   for each row execute function audit_refuse('${HEAD_STAYS}')`,
  `create trigger audit_head_is_not_emptied before truncate on audit_head
   for each statement execute function audit_refuse('${HEAD_STAYS}')`,
];
