import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import Sqlite from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommandLine } from '../../src/cli/command-line.ts';
import { COMMANDS } from '../../src/cli/command-list.ts';
import { systemClock } from '../../src/core/clock.ts';
import { TEST_SECRETS } from '../support/test-server.ts';
import { CLI_TEST_TIMEOUT_MS, createProjectCopy, type ProjectCopy } from './project-copy.ts';

const PROJECT = resolve(import.meta.dirname, '../..');

const ASHA = ['create', '--username', 'asha', '--email', 'asha@example.com'];

describe('the command line', { timeout: CLI_TEST_TIMEOUT_MS }, () => {
  let project: ProjectCopy;
  beforeAll(async () => {
    project = createProjectCopy();
    await project.makeDatabase();
  });
  afterAll(() => project.remove());

  it('tells what it can do', async () => {
    const { status, stdout, stderr } = await project.curfew(['--help']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    for (const command of ['sessions', 'sweep', 'users', 'doctor']) expect(stdout).toContain(command);
    expect((await project.curfew(['sessions', 'revoke', '--help'])).stdout).toContain('--user <username>');
  });

  it('tells its version, and a wrong use by the status of its process', async () => {
    const { version } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8'));
    const asked = await project.curfewProcess(['--version']);
    expect(asked).toMatchObject({ status: 0, stdout: `curfew ${version}\n`, stderr: '' });
    expect(await project.curfewProcess(['sessions', 'revoke'])).toMatchObject({ status: 2, stdout: '' });
  });

  it('has help for every command, with --json in it', async () => {
    for (const { name } of COMMANDS) {
      const printed: string[] = [];
      const terminal = { print: async (text: string) => void printed.push(text) } as never;
      const context = { projectFolder: PROJECT, environment: {}, terminal, clock: systemClock };
      expect(await runCommandLine([...name.split(' '), '--help'], context), name).toBe(0);
      const help = printed.join('\n');
      expect(help).toContain(`Usage: curfew ${name}`);
      expect(help).toContain('--json');
    }
  });

  it.each([
    [[], 'Usage: curfew'],
    [['sessions'], 'Usage: curfew sessions'],
    [['sesions', 'list'], "unknown command 'sesions'"],
    [['sessions', 'list', '--jsn'], "unknown option '--jsn'"],
    [['sessions', 'list', 'asha'], 'too many arguments'],
    [['sessions', 'revoke'], 'say whose'],
    [['sessions', 'revoke', '--user', 'asha', '--all'], 'cannot be used with'],
    [['sessions', 'revoke', '--all'], 'needs --yes'],
    [['sweep', '--at', 'yesterday'], 'Write it like'],
    [['sweep', '--at', '03:00'], 'Write it like'],
    [['users', 'create', '--username', 'asha'], "required option '--email <address>'"],
    [
      ['users', 'create', '--username', 'a', '--email', 'b', '--role', 'king'],
      'Allowed choices are admin, user',
    ],
    [['users', 'disable'], "missing required argument 'username'"],
  ])('refuses %j with status 2 and a hint', async (args, hint) => {
    const { status, stdout, stderr } = await project.curfew(args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(hint);
  });

  it('lists what is wrong with the settings, and writes no .env', async () => {
    const settings = { DATABASE_URL: 'mysql://x', SESSION_SECRET: 'short' };
    const { status, stdout, stderr } = await project.curfew(['sessions', 'list'], { settings });
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    for (const name of ['DATABASE_URL', 'SESSION_SECRET', 'ENCRYPTION_KEY', 'PEPPER'])
      expect(stderr).toContain(`${name}: `);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(existsSync(join(project.folder, '.env'))).toBe(false);
  });

  it('finds .env and the database in the project, wherever it is called', async () => {
    const other = createProjectCopy();
    const secrets = Object.entries(TEST_SECRETS).map(([name, value]) => `${name}=${value}`);
    other.writeEnvFile([...secrets, 'DATABASE_URL=sqlite:data/here.db'].join('\n'));
    const elsewhere = join(other.folder, 'elsewhere');
    mkdirSync(elsewhere);

    const call = (...args: readonly string[]) => other.curfewProcess(args, { settings: {}, cwd: elsewhere });

    expect((await call('users', ...ASHA)).stderr).toContain(
      `Making a new database at ${join(other.folder, 'data/here.db')}`,
    );
    const { status, stdout } = await call('users', 'list', '--json');
    expect({ status, users: JSON.parse(stdout).users.length }).toEqual({ status: 0, users: 1 });
    expect(existsSync(join(other.folder, 'data/here.db'))).toBe(true);
    expect(existsSync(join(elsewhere, 'data'))).toBe(false);
    other.remove();
  });

  it('ends quietly when nobody reads its output any more', async () => {
    const child = spawn(join(project.folder, 'bin/curfew'), ['--help'], {
      env: { PATH: process.env['PATH'] },
    });
    child.stdout.destroy();
    const [stderr, [status]] = await Promise.all([text(child.stderr), once(child, 'close')]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('makes no database at a path that was mistyped', async () => {
    const file = join(project.folder, 'data/mistyped.db');
    const settings = { ...project.settings, DATABASE_URL: `sqlite:${file}` };
    for (const args of [['users', 'list'], ['sweep'], ['sessions', 'revoke', '--all', '--yes'], ['status']]) {
      const { status, stdout, stderr } = await project.curfew(args, { settings });
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
      expect(stderr).toBe(
        `curfew: There is no database at ${file}. Correct DATABASE_URL, or start the server once to make it.\n`,
      );
    }
    expect(existsSync(file)).toBe(false);
  });

  it('cannot reach a database that lives inside the server', async () => {
    const settings = { ...project.settings, DATABASE_URL: 'sqlite::memory:' };
    const { status, stderr } = await project.curfew(['users', 'list'], { settings });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^curfew: .*use a file\.\n$/);
  });

  it.each([
    ['Postgres', { DATABASE_URL: 'postgres://curfew:hunter2@127.0.0.1:1/curfew' }],
    ['Redis', { REDIS_URL: 'redis://:hunter2@127.0.0.1:1' }],
    ['a Sentinel', { REDIS_URL: 'redis+sentinel://:hunter2@127.0.0.1:1/curfew' }],
  ])('says in a sentence that %s does not answer, and ends', async (_name, broken) => {
    const settings = { ...project.settings, ...broken };
    const { status, stdout, stderr } = await project.curfewProcess(['sessions', 'list'], { settings });
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^curfew: .*does not answer.*\n$/);
    expect(stderr).not.toContain('hunter2');
  });

  it('says so when another process keeps the SQLite file to itself', async () => {
    await project.curfew(['users', ...ASHA]);
    const other = new Sqlite(project.databaseFile);
    other.exec('begin immediate');
    const create = ['users', 'create', '--username', 'ravi', '--email', 'ravi@example.com'];
    const refused = await project.curfew(create);
    // Reading does not wait for writers.
    const listed = await project.curfew(['users', 'list', '--json']);
    other.exec('rollback');
    other.close();

    expect({ status: refused.status, stdout: refused.stdout }).toEqual({ status: 1, stdout: '' });
    expect(refused.stderr).toMatch(/^curfew: The database is busy: .*\n$/);
    expect(listed.status).toBe(0);
    expect(listed.stdout).toContain('"username":"asha"');
    expect((await project.curfew(create)).status).toBe(0);
  });
});
