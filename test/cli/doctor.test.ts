import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import type { Finding } from '../../src/cli/doctor/finding.ts';
import { createDatabase } from '../support/postgres-server.ts';
import { startRedis } from '../support/redis-server.ts';
import { TEST_SECRETS } from '../support/test-server.ts';
import { startFakeRedis } from './fake-redis.ts';
import { CLI_TEST_TIMEOUT_MS, createProjectCopy, type ProjectCopy } from './project-copy.ts';

const NEWER_PEPPER = 'c4ca4238a0b923820dcc509a6f75849b28c8e2f1';

type Settings = Readonly<Record<string, string>>;

describe('the doctor', { timeout: CLI_TEST_TIMEOUT_MS }, () => {
  let project: ProjectCopy;
  beforeEach(() => {
    project = createProjectCopy();
  });
  afterEach(() => project.remove());

  async function examine(settings: Settings = {}) {
    const result = await project.curfew(['doctor', '--json'], {
      settings: { ...project.settings, ...settings },
    });
    expect(result.stderr).toBe('');
    const { ok, checks } = JSON.parse(result.stdout) as {
      ok: boolean;
      checks: (Finding & { remedy: string | null })[];
    };
    expect(result.status).toBe(ok ? 0 : 1);
    for (const { status, remedy } of checks) expect(remedy === null).toBe(status === 'ok');
    const said = (name: string) =>
      checks.filter((check) => check.name === name).map(({ status, message }) => `${status}: ${message}`);
    return { ok, said, checks };
  }

  const makeDatabase = () =>
    project.curfew(['users', 'create', '--username', 'asha', '--email', 'a@example.org', '--role', 'admin']);

  function execute(statements: string): void {
    const database = new Sqlite(project.databaseFile);
    database.exec(statements);
    database.close();
  }

  it('tells passkeys that were made for another host than that of BASE_URL', async () => {
    await makeDatabase();
    execute(
      "insert into passkeys select 'key', id, 'Laptop', '', 0, '', 0, 0, 'old.example.org', 0, null from users",
    );
    expect((await examine()).said('passkeys')).toEqual([
      'warn: One passkey was made for another host than that of BASE_URL, and cannot be used',
    ]);
    const { said } = await examine({ BASE_URL: 'https://old.example.org' });
    expect(said('passkeys')).toEqual([]);
  });

  it('tells a PEPPER that is not the database’s, until it is accepted', async () => {
    await makeDatabase();
    // As a start of the server leaves it.
    execute("insert into secret_checks values ('PEPPER', '0123456789abcdef', 1)");
    const { ok, said } = await examine();
    expect(ok).toBe(false);
    expect(said('secrets').at(-1)).toMatch(
      /^fail: PEPPER is not the one that this database was used with: no password/,
    );

    expect((await project.curfew(['keys', 'accept'])).status).toBe(2);
    const accepted = await project.curfew(['keys', 'accept', '--yes', '--json']);
    expect(accepted).toMatchObject({ status: 0, stdout: '{"accepted":["PEPPER"]}\n' });
    expect(accepted.stderr).toContain('PEPPER is not the one');
    expect((await examine()).said('secrets')).toEqual([
      'ok: SESSION_SECRET, ENCRYPTION_KEY and PEPPER are there',
    ]);
  });

  it('finds an installation in order, and says when the next cutoff is', async () => {
    await makeDatabase();
    await project.curfew(['sweep']);
    const { ok, said, checks } = await examine();
    expect(checks.filter((check) => check.status !== 'ok')).toEqual([]);
    expect(ok).toBe(true);
    expect(said('cutoff')[0]).toMatch(
      /^ok: SESSION_EXPIRY_TIME is 03:00: the next is .* 03:00:00 IST \(.* 21:30:00 UTC\), in /,
    );
    expect(said('sweep')[0]).toMatch(/^ok: The last swept cutoff is that of .* 03:00:00 IST$/);
    expect(said('people')).toEqual(['ok: 1 with an account, 1 of them admin']);
    expect(said('.env')).toEqual(['ok: There is none: the settings come from the environment']);
    expect(said('database')).toHaveLength(3);
  });

  it('prints a line for each check, with what to do under it', async () => {
    await makeDatabase();
    const { status, stdout } = await project.curfew(['doctor']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^ok {4}settings {5}All can be used$/m);
    expect(stdout).toMatch(
      /^warn {2}sweep {8}The cutoff of .* was not swept; none was ever swept\n {19}Start the server/m,
    );
  });

  it('works without any setting, and makes nothing', async () => {
    const { status, stdout, stderr } = await project.curfew(['doctor'], { settings: {} });
    expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
    for (const name of ['SESSION_SECRET', 'ENCRYPTION_KEY', 'PEPPER'])
      expect(stdout).toMatch(new RegExp(`^fail {2}secrets {6}${name} is missing$`, 'm'));
    expect(stdout).toContain('is not there yet');
    expect(existsSync(join(project.folder, 'data'))).toBe(false);
    expect(readdirSync(project.folder)).not.toContain('.env');
  });

  it('lists every problem of the settings and still looks at the rest', async () => {
    await makeDatabase();
    const { ok, said } = await examine({
      PORT: 'five',
      SESSION_EXPIRY_TIME: '3pm',
      REDIS_URL: 'memcached://x',
      PEPPER: 'short',
    });
    expect(ok).toBe(false);
    expect(said('settings').map((text) => text.split(' ')[1])).toEqual([
      'PORT',
      'REDIS_URL',
      'SESSION_EXPIRY_TIME',
    ]);
    expect(said('secrets')).toEqual(['fail: PEPPER has 5 characters and needs at least 32']);
    expect(said('redis')).toEqual(['fail: Not looked at']);
    expect(said('database')[1]).toBe('ok: It has all tables and can be written');
  });

  it('warns of a .env that others may read, and of names in it that mean nothing', async () => {
    project.writeEnvFile('SESION_EXPIRY_TIME=03:00\nNODE_ENV=production\n', 0o644);
    const { ok, said } = await examine();
    expect(ok).toBe(true);
    expect(said('.env')).toEqual(['warn: Mode 0644: others on this machine may read the secrets']);
    expect(said('settings')).toEqual([
      'warn: SESION_EXPIRY_TIME in .env is no setting, and nothing reads it',
    ]);
  });

  it('says when .env cannot be read', async () => {
    mkdirSync(join(project.folder, '.env'));
    const { ok, said } = await examine();
    expect(ok).toBe(false);
    expect(said('.env')[0]).toMatch(/^fail: /);
  });

  it('warns when two secrets are one', async () => {
    const { said } = await examine({ PEPPER: TEST_SECRETS.SESSION_SECRET });
    expect(said('secrets')).toEqual(['warn: The same value stands in two places']);
  });

  it('says who has not signed in since the newest pepper came', async () => {
    await makeDatabase();
    expect((await examine()).said('pepper')).toEqual([]);
    const rotating = { PEPPER: `${NEWER_PEPPER},${TEST_SECRETS.PEPPER}` };
    expect((await examine(rotating)).said('pepper')).toEqual([
      'warn: 1 of 1 people have not signed in since the newest of PEPPER came',
    ]);
    await project.curfew(['users', 'reset-password', 'asha'], {
      settings: { ...project.settings, ...rotating },
    });
    expect((await examine(rotating)).said('pepper')[0]).toMatch(
      /^ok: Every password is hashed with the newest/,
    );
  });

  it.each([
    [{ BASE_URL: 'https://curfew.example.com' }, /^warn: .*TRUST_PROXY is empty/],
    [{ BASE_URL: 'https://curfew.example.com', TRUST_PROXY: '127.0.0.1' }, /^ok: /],
    [{ HOST: '0.0.0.0' }, /^warn: .*unencrypted/],
    [{ HOST: '::1' }, /^ok: /],
    [{ HOST: 'localhost' }, /^ok: /],
    [{ HOST: '0.0.0.0', BASE_URL: 'https://curfew.example.com', TRUST_PROXY: '10.0.0.0/8' }, /^ok: /],
  ])('judges the addresses of %j', async (settings, judgement) => {
    expect((await examine(settings)).said('addresses')[0]).toMatch(judgement);
  });

  it('says where no cutoff is set', async () => {
    const { said } = await examine({ SESSION_EXPIRY_TIME: 'off' });
    expect(said('cutoff')).toEqual(['ok: SESSION_EXPIRY_TIME is off: sessions end by idling only']);
  });

  it.each([
    ['SQLite', 'garbage', /^fail: .* no SQLite database/],
    [
      'Postgres',
      'postgres://curfew:hunter2@127.0.0.1:1/curfew',
      /^fail: Postgres, 127\.0\.0\.1:1\/curfew: .*ECONNREFUSED/,
    ],
  ])('fails when %s does not answer, and keeps the password', async (_name, location, words) => {
    mkdirSync(dirname(project.databaseFile));
    new Sqlite(project.databaseFile).close();
    const settings: Settings =
      location === 'garbage'
        ? { DATABASE_URL: `sqlite:${project.folder}/bin/curfew` }
        : { DATABASE_URL: location };
    const { ok, said, checks } = await examine(settings);
    expect(ok).toBe(false);
    expect(said('database')[0]).toMatch(words);
    expect(JSON.stringify(checks)).not.toContain('hunter2');
  });

  it('sees a Postgres that is in order, and one without tables', async () => {
    const settings = { DATABASE_URL: await createDatabase({ url: inject('postgresUrl') }) };
    expect((await examine(settings)).said('database')[1]).toBe('warn: It has no tables yet');
    await project.curfew(['users', 'list'], { settings: { ...project.settings, ...settings } });
    expect((await examine(settings)).said('database').slice(1)).toEqual([
      'ok: It has all tables and can be written',
    ]);
  });

  it('tells tables that are missing, unknown, or held by another process', async () => {
    mkdirSync(dirname(project.databaseFile));
    new Sqlite(project.databaseFile).close();
    expect((await examine()).said('database')[1]).toBe('warn: It has no tables yet');
    await makeDatabase();
    const other = new Sqlite(project.databaseFile);
    other.exec('begin immediate');
    const held = await examine();
    other.exec('rollback');
    other.close();
    expect(held.ok).toBe(false);
    expect(held.said('database')[1]).toBe('fail: It cannot be written');
    execute("insert into kysely_migration values ('9999-future', '2030-01-01T00:00:00.000Z')");
    expect((await examine()).said('database')[1]).toBe('fail: It was made by a newer Curfew (9999-future)');
  });

  it('warns of work that is left and of people who are missing', async () => {
    await makeDatabase();
    execute("update users set role = 'user'");
    execute("insert into revocations values ('1', null, 'u', 'idle', '{}', 0, '', 'open', 0, 0, null)");
    const { ok, said } = await examine();
    expect(ok).toBe(true);
    expect(said('revocations')).toEqual(['warn: One revocation is pending']);
    expect(said('people')).toEqual(['warn: No admin can sign in']);
    execute('delete from users');
    expect((await examine()).said('people')).toEqual(['warn: No accounts yet']);
  });

  it('fails when Redis does not answer', async () => {
    const { ok, said } = await examine({ REDIS_URL: 'redis://:hunter2@127.0.0.1:1' });
    expect(ok).toBe(false);
    expect(said('redis')[0]).toMatch(/^fail: Redis \(REDIS_URL\) does not answer\. .*ECONNREFUSED/);
    expect(said('redis')[0]).not.toContain('hunter2');
  });

  it('warns of a Redis that drops sessions when memory runs short', async () => {
    const redis = await startRedis({ settings: ['maxmemory-policy allkeys-lru'] });
    const { ok, said } = await examine({ REDIS_URL: redis.url });
    await redis.stop();
    expect(ok).toBe(true);
    expect(said('redis')).toEqual([
      expect.stringMatching(/^ok: Redis \d+\.\d+\.\d+ answers$/),
      expect.stringMatching(/^warn: maxmemory-policy is allkeys-lru/),
    ]);
  });

  it('fails at a Redis that is too old, and warns of its clock', async () => {
    const redis = await startFakeRedis({ version: '6.0.16', aheadSeconds: 10 });
    const { ok, said } = await examine({ REDIS_URL: redis.url });
    redis.stop();
    expect(ok).toBe(false);
    expect(said('redis')).toEqual([
      'fail: Redis 6.0.16 is too old: it has no GETEX',
      expect.stringMatching(/^warn: Its clock is \d+\.\d s ahead of this machine's$/),
    ]);
  });
});
