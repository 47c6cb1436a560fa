import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAuditRowStore } from '../../../src/audit/audit-row-store.ts';
import { verifyChain } from '../../../src/audit/chain-verification.ts';
import {
  connectDatabase,
  type Database,
  type DatabaseLocation,
  openDatabase,
} from '../../../src/storage/database.ts';
import { FORMER_MIGRATIONS, SQUASHED_MIGRATIONS } from '../../../src/storage/former-migrations.ts';
import { readInstallationName } from '../../../src/storage/installation.ts';
import { DATABASES } from '../../support/databases.ts';
import { createScratchDirectory, type ScratchDirectory } from '../../support/scratch-directory.ts';
import { makeFormerPostgres, makeFormerSqlite } from './former-database.ts';
import { describeSchema } from './schema-description.ts';

const OPENER = join(import.meta.dirname, '../open-database.ts');
const run = promisify(execFile);
/** Tables that later migrations drop. */
const DROPPED_SINCE = ['csp_reports'];
const ADDED_SINCE = [
  'secret_checks',
  'totp_factors',
  'recovery_codes',
  'mail_messages',
  'single_uses',
  'passkeys',
  'signal_bodies',
  'signal_fetches',
  'watched_symbols',
  'one_time_links',
  'invitations',
  'account_notices',
  'gateway_uses',
];
const COLUMNS_ADDED_SINCE: ReadonlyMap<string, readonly string[]> = new Map([
  ['broker_tokens', ['is_held', 'client_id']],
  ['broker_authorizations', ['is_held']],
  ['users', ['password_set_at']],
]);

async function recorded({ db }: Database): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db);
  return rows.map(({ name }) => name);
}

const withoutAdded = (table: string, rows: readonly Readonly<Record<string, unknown>>[] = []) =>
  rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).filter(([column]) => !COLUMNS_ADDED_SINCE.get(table)?.includes(column)),
    ),
  );

/** Each table's rows, in their order. */
async function readAll({ db }: Database): Promise<ReadonlyMap<string, unknown>> {
  const tables = await db.introspection.getTables();
  const rows = await Promise.all(
    tables.map(({ name }) =>
      sql<Record<string, unknown>>`select * from ${sql.table(name)} order by 1, 2`.execute(db),
    ),
  );
  return new Map(tables.map(({ name }, index) => [name, withoutAdded(name, rows[index]?.rows)]));
}

async function looking<T>(location: DatabaseLocation, look: (database: Database) => Promise<T>): Promise<T> {
  const database = connectDatabase(location);
  return look(database).finally(() => database.close());
}

describe.each(DATABASES)('a database of before the squash on %s', (name, openEmpty) => {
  let directory: ScratchDirectory;
  let location: DatabaseLocation;
  let database: Database | undefined;

  beforeEach(async () => {
    directory = createScratchDirectory('adoption');
    const file = join(directory.path, 'curfew.db');
    if (name === 'SQLite') makeFormerSqlite(file);
    location = name === 'SQLite' ? { dialect: 'sqlite', file } : await makeFormerPostgres();
  });
  afterEach(async () => {
    await database?.close();
    database = undefined;
    directory.remove();
  });

  const change = (statement: string) => looking(location, ({ db }) => sql.raw(statement).execute(db));

  it('is adopted with every row as it was', async () => {
    const before = await looking(location, readAll);
    database = await openDatabase(location);
    expect((await recorded(database)).slice(0, SQUASHED_MIGRATIONS.length)).toEqual(SQUASHED_MIGRATIONS);
    const kept = new Map([...before].filter(([table]) => !DROPPED_SINCE.includes(table)));
    const now = new Map([...(await readAll(database))].filter(([table]) => !ADDED_SINCE.includes(table)));
    expect([...now.keys()].sort()).toEqual([...kept.keys()].sort());
    // Columns that were added since are none of the rows' as they were.
    for (const [table, rows] of kept) expect(now.get(table), table).toMatchObject(rows as object);
    expect([...before].filter(([, rows]) => !Array.isArray(rows) || rows.length === 0)).toEqual([]);
    expect(before.size).toBeGreaterThan(35);
  });

  it('has the tables, indexes, constraints and triggers of a new one afterwards', async () => {
    database = await openDatabase(location);
    const fresh = await openEmpty();
    const [adopted, made] = [await describeSchema(database), await describeSchema(fresh)];
    await fresh.close();
    expect(adopted).toEqual(made);
    expect(made.filter((line) => line.startsWith('trigger')).length).toBeGreaterThan(4);
  });

  it('keeps the name of its installation, by which its keys in Redis are found', async () => {
    const before = await looking(location, readInstallationName);
    database = await openDatabase(location);
    expect(await readInstallationName(database)).toBe(before);
  });

  it('keeps an audit log that verifies and that nothing changes', async () => {
    database = await openDatabase(location);
    expect(await verifyChain(createAuditRowStore(database))).toMatchObject({ problem: undefined, rows: 2 });
    await expect(sql`delete from audit_log`.execute(database.db)).rejects.toThrow(/append-only/);
  });

  it('is adopted once when four processes open it at the same moment', async () => {
    if (location.dialect === 'sqlite') {
      const argument = `sqlite:${location.file}`;
      const reports = await Promise.all(
        Array.from({ length: 4 }, () => run(process.execPath, [OPENER, argument])),
      );
      expect(reports.map(({ stdout }) => stdout)).toEqual(Array(4).fill('open\n'));
    } else {
      const nodes = await Promise.all(Array.from({ length: 4 }, () => openDatabase(location)));
      await Promise.all(nodes.map((node) => node.close()));
    }
    database = await openDatabase(location);
    expect((await recorded(database)).slice(0, SQUASHED_MIGRATIONS.length)).toEqual(SQUASHED_MIGRATIONS);
  });

  it('keeps the former names when adopting fails half-way', async () => {
    await change(
      name === 'SQLite'
        ? `create trigger fail before insert on kysely_migration when new.name like '0007%' begin select raise(abort, 'half-way'); end`
        : `create function fail() returns trigger language plpgsql as $$ begin raise exception 'half-way'; end $$`,
    );
    if (name === 'Postgres')
      await change(
        `create trigger fail before insert on kysely_migration for each row when (new.name like '0007%') execute function fail()`,
      );
    await expect(openDatabase(location)).rejects.toThrow(/half-way/);
    expect(await looking(location, recorded)).toEqual(FORMER_MIGRATIONS);
  });

  it.each([
    [
      'older than that',
      "delete from kysely_migration where name >= '0020'",
      'too old for this one (it lacks 0020-counted-refusals, 0021-address-registrations)',
      'docs/operations.md',
    ],
    [
      'with a migration beside it that is unknown',
      "insert into kysely_migration values ('0022-experiment', '2026-11-29T12:00:00.000Z')",
      'not a database of this version (unknown: 0001-initial, ',
      'Run the version that made it',
    ],
  ])('is refused in words when it is %s, and stays as it was', async (_what, statement, what, remedy) => {
    await change(statement);
    const before = [await looking(location, recorded), await looking(location, readAll)];
    const error = await openDatabase(location).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ name: 'MigrationStateError' });
    expect(String(error)).toContain(what);
    expect(String(error)).toContain(remedy);
    expect(String(error)).toContain('Nothing was changed.');
    expect([await looking(location, recorded), await looking(location, readAll)]).toEqual(before);
  });

  it('is refused in words once a newer version has migrated it', async () => {
    await (await openDatabase(location)).close();
    await change("insert into kysely_migration values ('9999-future', '2099-11-29T12:00:00.000Z')");
    const error = await openDatabase(location).catch((caught: unknown) => caught);
    expect(String(error)).toContain(
      'It was made by a newer Curfew (9999-future). Run the version that made it',
    );
  });
});

describe.each(DATABASES)('a new database on %s', (_name, open) => {
  it('begins its audit log with row 1', async () => {
    const database = await open();
    const rows = createAuditRowStore(database);
    expect(await rows.end()).toMatchObject({ head: { seq: 0 }, lastRow: 0, hasHead: true });
    expect(await verifyChain(rows)).toMatchObject({ problem: undefined, rows: 0 });
    await database.close();
  });
});
