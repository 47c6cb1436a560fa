import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeFormerPostgres, makeFormerSqlite } from '../storage/migrations/former-database.ts';
import { CLI_TEST_TIMEOUT_MS, createProjectCopy, type ProjectCopy } from './project-copy.ts';

const TOO_OLD = "delete from kysely_migration where name >= '0020'";

describe('databases of earlier versions', { timeout: CLI_TEST_TIMEOUT_MS }, () => {
  let project: ProjectCopy;
  beforeEach(() => {
    project = createProjectCopy();
  });
  afterEach(() => project.remove());

  function makeFormer(file: string, change?: string): void {
    mkdirSync(dirname(file), { recursive: true });
    makeFormerSqlite(file);
    if (change === undefined) return;
    const sqlite = new Sqlite(file);
    sqlite.exec(change);
    sqlite.close();
  }

  const select = (file: string, query: string) => {
    const sqlite = new Sqlite(file, { readonly: true });
    const row: unknown = sqlite.prepare(query).pluck().get();
    sqlite.close();
    return row;
  };
  const lastMigration = (file: string) => select(file, 'select max(name) from kysely_migration');
  const asideFiles = () =>
    readdirSync(dirname(project.databaseFile)).filter((name) => /before|restoring/.test(name));

  it('are told by the doctor: this version takes the database over at its next start, after a copy', async () => {
    makeFormer(project.databaseFile);
    const told = await project.curfew(['doctor']);
    expect(told.stdout).toMatch(
      /^warn {2}database {5}Its tables are up to date, and were made before the migrations were squashed\n {19}The next start takes it over as it is, after a copy of the file: npm start$/m,
    );
    expect(lastMigration(project.databaseFile)).toBe('0021-address-registrations');
    expect(asideFiles()).toEqual([]);

    expect(await project.curfew(['users', 'list'])).toMatchObject({ status: 0 });
    expect((await project.curfew(['doctor'])).stdout).toMatch(/^ok {4}database {5}It has all tables/m);
    expect(asideFiles()).toEqual([expect.stringContaining('.before-upgrade-')]);
  });

  it('are told by the doctor: what is too old is refused, by every command in the same words', async () => {
    makeFormer(project.databaseFile, TOO_OLD);
    const told = await project.curfew(['doctor']);
    expect(told.status).toBe(1);
    expect(told.stdout).toMatch(
      /^fail {2}database {5}It was made by a version of Curfew that is too old for this one \(it lacks 0020-counted-refusals, 0021-address-registrations\)\n {19}Start it once with the version that docs\/operations\.md names/m,
    );
    const refused = await project.curfew(['users', 'list']);
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toContain('too old for this one (it lacks 0020-counted-refusals');
    expect(refused.stderr).toContain('Nothing was changed.');
    expect(lastMigration(project.databaseFile)).toBe('0018-known-addresses');
    expect(asideFiles()).toEqual([]);
  });

  it('are copied by a backup as they are, so that it can be made before an upgrade', async () => {
    makeFormer(project.databaseFile, TOO_OLD);
    const copy = join(project.folder, 'copy.db');
    expect(await project.curfew(['backup', copy])).toMatchObject({ status: 0, stderr: '' });
    expect(statSync(copy).mode & 0o777).toBe(0o600);
    expect(lastMigration(copy)).toBe('0018-known-addresses');
    expect(lastMigration(project.databaseFile)).toBe('0018-known-addresses');
  });

  it('are restored from a backup that this version can take over, and the command says so', async () => {
    const backup = join(project.folder, 'former.db');
    makeFormer(backup);
    await project.makeDatabase();
    const done = await project.curfew(['restore', backup, '--yes']);
    expect(done.status).toBe(0);
    expect(done.stderr).toContain(
      'was made by an earlier version of Curfew: its tables are brought up to date in the restored database; the file stays as it is.',
    );
    expect(lastMigration(backup)).toBe('0021-address-registrations');
    expect(select(project.databaseFile, 'select count(*) from users')).toBe(2);
    expect((await project.curfew(['doctor'])).stdout).toMatch(/^ok {4}database {5}It has all tables/m);
    expect(asideFiles()).toEqual([expect.stringMatching(/^curfew\.db\.before-\d{8}-\d{6}$/)]);
  });

  it('are not restored from a backup that is too old, and nothing is changed', async () => {
    const backup = join(project.folder, 'old.db');
    makeFormer(backup, TOO_OLD);
    const refused = await project.curfew(['restore', backup, '--yes']);
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toMatch(
      /old\.db was made by a version of Curfew that is too old for this one \(it lacks 0020-counted-refusals, 0021-address-registrations\): restore it with the version that docs\/operations\.md names under “Older databases”.* Nothing was changed\./,
    );
    expect(existsSync(project.databaseFile)).toBe(false);
    expect(lastMigration(backup)).toBe('0018-known-addresses');
  });

  it('are taken over behind pg_restore too', async () => {
    const location = await makeFormerPostgres();
    if (location.dialect !== 'postgres') throw new Error('Not a Postgres');
    const settings = { ...project.settings, DATABASE_URL: location.url };
    const told = await project.curfew(['doctor'], { settings });
    expect(told.stdout).toContain('The next start takes it over as it is: npm start');
    const done = await project.curfew(['restore', '--after-pg-restore'], { settings });
    expect(done.status).toBe(0);
    expect((await project.curfew(['doctor'], { settings })).stdout).toMatch(
      /^ok {4}database {5}It has all tables/m,
    );
  });
});
