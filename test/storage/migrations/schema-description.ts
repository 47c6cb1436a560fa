import { type RawBuilder, sql } from 'kysely';
import type { Database } from '../../../src/storage/database.ts';

/** Everything that a database says of its tables, indexes, constraints, triggers and functions, as sorted lines. */
export async function describeSchema({ db, dialect }: Database): Promise<readonly string[]> {
  const queries = dialect === 'sqlite' ? [SQLITE] : POSTGRES;
  const answers = await Promise.all(queries.map((query) => query.execute(db)));
  return answers.flatMap(({ rows }) => rows.map((row) => normalize(Object.values(row).join(' | ')))).sort();
}

/** Without quotes, and with one way to set spaces: `alter table` and `create table` write them differently. */
function normalize(text: string): string {
  return text
    .replaceAll('"', '')
    .replace(/\s+/g, ' ')
    .replace(/ ?([(),]) ?/g, '$1')
    .replace(/^(.*?)(create)/i, (_all, before: string, create: string) => before + create.toLowerCase());
}

type Query = RawBuilder<Record<string, unknown>>;

const SQLITE: Query = sql`select type, name, tbl_name, sql from sqlite_master`;

const POSTGRES: readonly Query[] = [
  sql`select 'column', table_name, ordinal_position, column_name, data_type, character_maximum_length, is_nullable, column_default
      from information_schema.columns where table_schema = 'public'`,
  sql`select 'index', indexname, indexdef from pg_indexes where schemaname = 'public'`,
  sql`select 'constraint', conname, conrelid::regclass::text, pg_get_constraintdef(oid) as definition
      from pg_constraint where connamespace = 'public'::regnamespace`,
  sql`select 'trigger', tgname, pg_get_triggerdef(oid) as definition from pg_trigger where not tgisinternal`,
  sql`select 'function', proname, pg_get_functiondef(oid) as definition
      from pg_proc where pronamespace = 'public'::regnamespace`,
  sql`select 'sequence', sequence_name, data_type, increment from information_schema.sequences where sequence_schema = 'public'`,
];
