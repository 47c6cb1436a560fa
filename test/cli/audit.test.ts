import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CLI_TEST_TIMEOUT_MS, createProjectCopy, type ProjectCopy } from './project-copy.ts';
import { WAYS_TO_RUN } from './ways-to-run.ts';

describe.each(WAYS_TO_RUN)('curfew audit, %s', { timeout: CLI_TEST_TIMEOUT_MS }, (_name, createStores) => {
  let project: ProjectCopy;
  beforeEach(async () => {
    project = createProjectCopy(await createStores());
    await project.makeDatabase();
    await project.curfew(['bans', 'add', '203.0.113.7', '--reason', 'Noisy']);
    await project.curfew(['bans', 'remove', '203.0.113.7']);
  });
  afterEach(() => project.remove());

  it('verifies the chain, and remembers a head for later', async () => {
    const { status, stdout } = await project.curfew(['audit', 'verify']);
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: expect.stringMatching(/^Rows 1 to 2 verified\.\nHead: 2:[0-9a-f]{64}\n$/),
    });
    const head = /2:[0-9a-f]{64}/.exec(stdout)?.[0] ?? '';
    await project.curfew(['bans', 'add', '203.0.113.8']);
    const later = await project.curfew(['audit', 'verify', '--head', head]);
    expect(later.stdout).toContain('It agrees with the head that was kept, of row 2.');
    const forged = await project.curfew(['audit', 'verify', '--json', '--head', `2:${'f'.repeat(64)}`]);
    expect(forged.status).toBe(1);
    expect(JSON.parse(forged.stdout)).toMatchObject({
      status: 'broken',
      rows: 1,
      problem: { kind: 'not_as_kept', seq: 2 },
    });
    expect(forged.stderr).toMatch(/^curfew: Row 2 has another hash than the head that was kept/);
    expect((await project.curfew(['audit', 'verify', '--head', 'nonsense'])).status).toBe(2);
  });

  it('exports lines that can be verified by themselves, into a file for its owner alone', async () => {
    const file = join(project.folder, 'audit.jsonl');
    const { status, stdout } = await project.curfew(['audit', 'export', '--output', file]);
    expect({ status, stdout }).toMatchObject({ status: 0, stdout: expect.stringContaining('Wrote ') });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const verified = await project.curfew(['audit', 'verify', '--file', file, '--json'], { settings: {} });
    expect(JSON.parse(verified.stdout)).toMatchObject({
      status: 'unbroken',
      rows: 3,
      from: 1,
      head: { seq: 3 },
    });
    expect((await project.curfew(['audit', 'export', '--output', file])).stderr).toMatch(/is there already/);

    const lines = (await project.curfew(['audit', 'export'])).stdout.trimEnd().split('\n');
    expect(lines.slice(0, 3)).toEqual(readFileSync(file, 'utf8').split('\n').slice(0, 3));
    expect(JSON.parse(lines.at(-2) ?? '')).toMatchObject({ type: 'export.taken', actor: 'cli' });

    writeFileSync(file, lines.with(1, (lines[1] ?? '').replace('ban.lifted', 'ban.kept')).join('\n'));
    const broken = await project.curfew(['audit', 'verify', '--file', file]);
    expect(broken).toMatchObject({
      status: 1,
      stdout: 'The export is BROKEN at row 2. Rows verified before it: 1.\n',
    });
    expect((await project.curfew(['audit', 'verify', '--file', join(project.folder, 'no')])).stderr).toMatch(
      /There is no file/,
    );
  });

  it('exports what is from between two instants', async () => {
    const none = await project.curfew(['audit', 'export', '--until', '2020-01-01']);
    expect(
      none.stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toMatchObject([{ rows: 0, complete: false }]);
    const all = await project.curfew(['audit', 'export', '--since', '2020-01-01']);
    expect(all.stdout.trimEnd().split('\n')).toHaveLength(5);
    expect((await project.curfew(['audit', 'export', '--since', 'yesterday'])).status).toBe(2);
  });
});

it('curfew audit verify does not call a database unbroken on which nothing ever ran', {
  timeout: CLI_TEST_TIMEOUT_MS,
}, async () => {
  const project = createProjectCopy({});
  await project.makeDatabase();
  const { status, stdout } = await project.curfew(['audit', 'verify']);
  expect(status).toBe(0);
  expect(stdout).toContain('has no rows: no server has run on this database. Is DATABASE_URL the right one?');
  project.remove();
});

it('curfew audit verify says which row of a tampered database is wrong', {
  timeout: CLI_TEST_TIMEOUT_MS,
}, async () => {
  const project = createProjectCopy({});
  await project.makeDatabase();
  await project.curfew(['bans', 'add', '203.0.113.7']);
  await project.curfew(['bans', 'remove', '203.0.113.7']);
  const database = new SqliteDatabase(project.databaseFile);
  expect(() => database.exec("update audit_log set actor = 'nobody' where id = 1")).toThrow(/append-only/);
  database.exec("drop trigger audit_log_is_fixed; update audit_log set actor = 'nobody' where id = 1");
  database.close();
  expect(await project.curfew(['audit', 'verify'])).toMatchObject({
    status: 1,
    stdout: 'The audit log is BROKEN at row 1. Rows verified before it: 0.\n',
    stderr: expect.stringMatching(
      /^curfew: Row 1 does not fit the row before it: it was edited.*Keep the database as it is/,
    ),
  });
  project.remove();
});
