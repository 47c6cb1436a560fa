import { type Kysely, sql } from 'kysely';
import type { MigrationContext } from '../migrate.ts';

/** The hash that the first row of the chain follows. */
const NO_HASH = '0'.repeat(64);

/**
 * The audit log: a chain of rows with sequence numbers without gaps, a hash over each row and the one before it, a head, and
 * triggers that refuse changes.
 */
export async function up(db: Kysely<unknown>, { dialect }: MigrationContext): Promise<void> {
  await createTables(db, dialect);
  await createIndexes(db);
  for (const statement of dialect === 'sqlite' ? SQLITE_GUARDS : POSTGRES_GUARDS)
    await sql.raw(statement).execute(db);
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
  await sql`insert into audit_head values (1, 0, ${NO_HASH}, 0, ${NO_HASH})`.execute(db);
  await sql`insert into audit_checks values (1, 0, ${NO_HASH}, 0, null)`.execute(db);
  await db.schema
    .createTable('audit_hours')
    .addColumn('hour', 'bigint', (c) => c.notNull())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('events', 'integer', (c) => c.notNull())
    .addPrimaryKeyConstraint('audit_hours_key', ['hour', 'kind'])
    .execute();
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

/** Five years with two leap days in them. By the database's clock, so that no server's clock shortens them. */
const FIVE_YEARS_SECONDS = 1827 * 86_400;

/** Refused changes of the head; `n` is the new row, `o` the old one. */
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
