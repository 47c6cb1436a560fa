import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectDatabase, openDatabase } from '../../../src/storage/database.ts';
import { FORMER_MIGRATIONS } from '../../../src/storage/former-migrations.ts';
import { copyBeforeMigration } from '../../../src/storage/pre-migration-copy.ts';
import { createScratchDirectory, type ScratchDirectory } from '../../support/scratch-directory.ts';
import { makeFormerSqlite } from './former-database.ts';

const NOON = Date.parse('2026-11-29T12:00:00+05:30');

describe('the copy of a SQLite file before its tables are changed', () => {
  let directory: ScratchDirectory;
  let file: string;
  beforeEach(() => {
    directory = createScratchDirectory('copy');
    file = join(directory.path, 'curfew.db');
  });
  afterEach(() => directory.remove());

  const copies = () => readdirSync(directory.path).filter((name) => name.includes('before-upgrade'));
  const openAndClose = async () => (await openDatabase({ dialect: 'sqlite', file })).close();
  const connect = (path: string) => connectDatabase({ dialect: 'sqlite', file: path });
  const select = (path: string, query: string) => {
    const sqlite = new Sqlite(path, { readonly: true });
    const rows: unknown = sqlite.prepare(query).pluck().all();
    sqlite.close();
    return rows;
  };

  it('lies beside it, for its owner alone, and is the database as it was', async () => {
    makeFormerSqlite(file);
    await openAndClose();
    expect(copies()).toEqual([expect.stringMatching(/^curfew\.db\.before-upgrade-\d{8}-\d{6}$/)]);
    const copy = join(directory.path, copies()[0] ?? '');
    expect(statSync(copy).mode & 0o777).toBe(0o600);
    expect(select(copy, 'select name from kysely_migration order by name')).toEqual(FORMER_MIGRATIONS);
    expect(select(copy, 'select id from users order by id')).toEqual(['user-1', 'user-2']);
  });

  it('holds no session and no broker token, like a backup', async () => {
    makeFormerSqlite(file);
    await openAndClose();
    const copy = join(directory.path, copies()[0] ?? '');
    expect(select(copy, 'select sid from sessions')).toEqual([]);
    expect(select(copy, 'select access_token from broker_tokens where access_token is not null')).toEqual([]);
    expect(select(file, 'select sid from sessions')).toEqual(['sid 1', 'sid 2']);
  });

  it('is the only one that is kept', async () => {
    makeFormerSqlite(file);
    writeFileSync(`${file}.before-upgrade-20260101-000000`, 'an earlier one');
    writeFileSync(`${file}.before-20260101-000000`, 'put aside by a restoration');
    await openAndClose();
    expect(copies()).toHaveLength(1);
    expect(copies()[0]).not.toContain('20260101');
    expect(readdirSync(directory.path)).toContain('curfew.db.before-20260101-000000');
  });

  it('is not made of a new database, nor of one whose tables are up to date', async () => {
    await openAndClose();
    await openAndClose();
    expect(copies()).toEqual([]);
  });

  it('stops the upgrade in words when it cannot be written, and keeps the earlier one', async () => {
    makeFormerSqlite(file);
    writeFileSync(`${file}.before-upgrade-20260101-000000`, 'an earlier one');
    mkdirSync(`${file}.before-upgrade-20261129-120000`);
    await expect(copyBeforeMigration({ file, now: NOON, connect })).rejects.toThrow(
      /is copied before its tables are changed, and that failed.*Nothing was changed/,
    );
    expect(copies().sort()).toEqual([
      'curfew.db.before-upgrade-20260101-000000',
      'curfew.db.before-upgrade-20261129-120000',
    ]);
    expect(select(file, 'select name from kysely_migration order by name')).toEqual(FORMER_MIGRATIONS);
  });

  it('is not needed where a first start fails half-way: no table is left of it', async () => {
    const sqlite = new Sqlite(file);
    sqlite.exec('create table bans (x)');
    sqlite.close();
    await expect(openAndClose()).rejects.toThrow(/bans.*already exists/);
    expect(
      select(file, "select name from sqlite_master where type = 'table' and name not like 'kysely%'"),
    ).toEqual(['bans']);
  });
});
