import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { generateTotpSecret } from '../../src/accounts/second-factor/totp.ts';
import { DAY_MS } from '../../src/core/duration.ts';
import { createDatabase } from '../support/postgres-server.ts';
import { createRedisDatabase } from '../support/redis-server.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { totpCode } from '../support/totp-code.ts';
import { connectSandbox, createVisitor, PERSON, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { CLI_TEST_TIMEOUT_MS, createProjectCopy, type ProjectCopy } from './project-copy.ts';

const RAVI = { username: 'ravi', password: 'long-quiet-evening-77', email: 'ravi@example.org' } as const;

const WAYS = [
  ['embedded', () => Promise.resolve({})],
  ['with Redis', async () => ({ REDIS_URL: await createRedisDatabase({ url: inject('redisUrl') }) })],
] as const;

describe.each(WAYS)('backup and restore, %s', { timeout: CLI_TEST_TIMEOUT_MS }, (name, settings) => {
  let project: ProjectCopy;
  let server: TestServer | undefined;
  let laptop: Visitor;
  let phone: Visitor;
  let file: string;

  beforeEach(async () => {
    project = createProjectCopy(await settings());
    file = join(project.folder, 'copy.db');
    server = await startTestServer({ env: project.settings });
    laptop = createVisitor(server.origin);
    phone = createVisitor(server.origin);
    await setUp(laptop);
    await signIn(laptop);
    await signIn(phone);
    await connectSandbox(laptop);
  });
  afterEach(async () => {
    await stop();
    project.remove();
  });

  async function stop(): Promise<void> {
    await server?.close();
    server = undefined;
  }

  /** As serve.ts does it: what was missed, and then listening. */
  async function start(): Promise<TestServer> {
    server = await startTestServer({ env: project.settings });
    await server.services.jobs.catchUp();
    return server;
  }

  const running = (): TestServer => {
    if (server === undefined) throw new Error('No server runs');
    return server;
  };
  const curfew = (...args: string[]) => project.curfew(args);
  const backUp = async () => {
    const made = await curfew('backup', file, '--json');
    expect(made).toMatchObject({ status: 0, stderr: '' });
    return JSON.parse(made.stdout) as { file: string; bytes: number; sha256: string };
  };
  const restore = async (...more: string[]) => curfew('restore', file, '--yes', ...more);
  const at = (visitor: Visitor, origin: string): Visitor => {
    const moved = createVisitor(origin);
    moved.useSessionCookie(visitor.sessionCookie());
    return moved;
  };
  const isIn = async (visitor: Visitor) =>
    (await at(visitor, running().origin).get('/dashboard')).status === 200;
  const tokenOf = async (username = 'asha') => {
    const { userAdmin } = running().services.accounts;
    const { brokers } = running().services;
    const user = (await userAdmin.list()).find((each) => each.username === username);
    return (await brokers.reader.accessToken(user?.id ?? '', 'sandbox')).kind;
  };
  const inFile = <T>(path: string, read: (database: Sqlite.Database) => T): T => {
    const database = new Sqlite(path, { readonly: true });
    try {
      return read(database);
    } finally {
      database.close();
    }
  };

  it('a copy is made beside the server: sound, for its owner alone, described, and recorded', async () => {
    const made = await backUp();
    expect(made).toEqual({
      database: 'sqlite',
      file,
      bytes: statSync(file).size,
      sha256: createHash('sha256').update(readFileSync(file)).digest('hex'),
    });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(project.folder).filter((each) => each.startsWith('copy'))).toEqual(['copy.db']);
    expect(inFile(file, (db) => db.pragma('integrity_check', { simple: true }))).toBe('ok');
    expect(await isIn(laptop)).toBe(true);
    const { db } = running().infrastructure.database;
    const row = await db
      .selectFrom('audit_log')
      .selectAll()
      .where('type', '=', 'backup.made')
      .executeTakeFirst();
    expect(row).toMatchObject({ actor: 'cli', detail: expect.stringContaining(made.sha256) });
  });

  it('a copy holds no session and no token, not even in what SQLite has deleted', async () => {
    const sids = (await running().services.registry.listNewest(undefined, 9)).sessions.map(
      ({ device }) => device.sid,
    );
    const { db } = running().infrastructure.database;
    const tokens = (await db.selectFrom('broker_tokens').selectAll().execute()).flatMap((row) => [
      row.access_token,
      row.feed_token,
      row.refresh_token,
    ]);
    expect(sids).toHaveLength(2);
    expect(tokens.filter((token) => token !== null).length).toBeGreaterThan(1);
    if (name === 'embedded') expect(readWhole(project.databaseFile)).toContain(sids[0]);
    await backUp();
    const bytes = readFileSync(file, 'latin1');
    for (const secret of [...sids, ...tokens]) if (secret !== null) expect(bytes).not.toContain(secret);
    expect(inFile(file, (copy) => copy.prepare('select count(*) from sessions').pluck().get())).toBe(0);
    expect(
      inFile(file, (copy) => copy.prepare('select is_revoked, revoke_reason from broker_tokens').all()),
    ).toEqual([{ is_revoked: 1, revoke_reason: 'restored' }]);
  });

  it('nothing is overwritten, and no half a file is left', async () => {
    writeFileSync(file, 'mine');
    const refused = await curfew('backup', file);
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toContain('is not overwritten');
    expect(readFileSync(file, 'utf8')).toBe('mine');
    const nowhere = await curfew('backup', join(project.folder, 'no/such/copy.db'));
    expect(nowhere.stderr).toContain('There is no folder');
    const named = await curfew('backup');
    expect(named.stdout).toMatch(/Copied to .*data\/backups\/curfew-\d{8}-\d{6}\.db\n\s+size +\d+ bytes/);
  });

  it('a session and a broker token that ended after the backup are dead after the restoration', async () => {
    await backUp();
    await phone.submit('/auth/logout');
    await laptop.submit('/auth/logout', { everywhere: 'yes' });
    await stop();
    expect(await restore()).toMatchObject({ status: 0 });
    await start();
    expect([await isIn(laptop), await isIn(phone), await tokenOf()]).toEqual([
      false,
      false,
      'reauth_required',
    ]);
    await signIn(createVisitor(running().origin));
  });

  it('nor are they alive where somebody copies the file into place by hand', async () => {
    await backUp();
    await laptop.submit('/auth/logout', { everywhere: 'yes' });
    await stop();
    for (const ending of ['-wal', '-shm']) execFileSync('rm', ['-f', `${project.databaseFile}${ending}`]);
    copyFileSync(file, project.databaseFile);
    await start();
    expect([await isIn(laptop), await isIn(phone), await tokenOf()]).toEqual([
      false,
      false,
      'reauth_required',
    ]);
  });

  it('a session that is alive at the restoration ends by it, also where it is not in the file', async () => {
    await backUp();
    const late = createVisitor(running().origin);
    await signIn(late);
    await stop();
    const done = await restore();
    expect(done.stdout).toContain('All users are signed out');
    await start();
    expect([await isIn(laptop), await isIn(late)]).toEqual([false, false]);
  });

  it('what was taken from people since stays taken, and the audit log says where it was cut', async () => {
    const { userAdmin } = running().services.accounts;
    const { api, brokers } = running().services;
    const origin = { actor: 'test' };
    await userAdmin.create({ ...RAVI, role: 'admin' }, origin);
    await userAdmin.create({ ...RAVI, username: 'meera', role: 'user' }, origin);
    const meera = (await userAdmin.list()).find((user) => user.username === 'meera');
    const key = await makeKey(running(), meera?.id ?? '');
    const { secondFactor } = running().services.accounts;
    const secret = generateTotpSecret();
    const code = totpCode(secret);
    const factor = await secondFactor.enrol({ userId: meera?.id ?? '', secret }, code, origin);
    if (factor.kind !== 'enrolled') throw new Error(factor.kind);
    const { db: before } = running().infrastructure.database;
    const invitedBy = (await userAdmin.list()).find((user) => user.username === 'ravi')?.id ?? '';
    await running().services.accounts.invitations.create(
      { email: undefined, role: 'admin', lifetimeMs: DAY_MS },
      { userId: invitedBy, username: 'ravi' },
      origin,
    );
    await backUp();
    await before.updateTable('users').set({ email: 'new@example.org' }).where('id', '=', invitedBy).execute();
    const [recoveryCode = ''] = factor.recoveryCodes;
    await secondFactor.check(meera?.id ?? '', recoveryCode, {
      isKnownDevice: async () => true,
      at: Date.now(),
      origin,
    });
    const found = await api.apiKeys.find(key.id);
    if (found === undefined) throw new Error('no key');
    await api.apiKeys.revoke(found, origin);
    await userAdmin.disable('meera', origin);
    await userAdmin.changeRole('ravi', 'user', origin);
    await userAdmin.resetPassword('asha', 'another-monsoon-harbour-7', origin);
    await running().services.bans.bans.ban(
      { subject: '203.0.113.9', length: 'permanent', note: 'Noise' },
      origin,
    );
    expect(brokers).toBeDefined();
    await stop();
    const oldHead = headOf(project.databaseFile);
    const newHead = headOf(file);

    const done = await restore('--json');
    expect(done).toMatchObject({ status: 0, stderr: '' });
    const report = JSON.parse(done.stdout);
    expect(report.carriedOver).toEqual({
      disabled: ['meera'],
      passwords: ['asha'],
      demoted: ['ravi'],
      apiKeys: ['bot'],
      keyLimits: [],
      strategies: [],
      bans: 1,
    });
    expect(report.receipt).toMatchObject({ reason: 'restored', status: 'done' });
    expect(headOf(report.aside)).toEqual(oldHead);

    await start();
    const visitor = createVisitor(running().origin);
    expect((await visitor.submit('/auth/login', PERSON)).status).toBe(401);
    await signIn(visitor, { username: 'asha', password: 'another-monsoon-harbour-7' });
    expect(
      (await createVisitor(running().origin).submit('/auth/login', { ...RAVI, username: 'meera' })).status,
    ).toBe(401);
    const restored = running().services.accounts.secondFactor;
    expect(await restored.stateOf(meera?.id ?? '')).toMatchObject({ recoveryCodesLeft: 9 });
    const called = await fetch(`${running().origin}/api/v1/session`, {
      headers: { 'X-API-Key': key.secret },
    });
    expect(called.status).toBe(401);
    const { db } = running().infrastructure.database;
    const invitations = await db.selectFrom('invitations').select('outcome').execute();
    expect(invitations).toEqual([{ outcome: 'revoked' }]);
    const ravi = await running().services.users.findByUsername('ravi');
    expect(ravi?.email).toBe('new@example.org');
    const row = await db
      .selectFrom('audit_log')
      .selectAll()
      .where('type', '=', 'backup.restored')
      .executeTakeFirstOrThrow();
    expect(JSON.parse(row.detail)).toMatchObject({ oldHead, newHead, file: 'copy.db' });
    expect(row.id).toBe(newHead.seq + 1);
    expect(await curfew('audit', 'verify')).toMatchObject({ status: 0 });
  });

  it('is refused while a server runs, and nothing is changed', async () => {
    await backUp();
    const refused = await restore();
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toContain('Stop every server');
    expect(await isIn(laptop)).toBe(true);
    expect(readdirSync(join(project.folder, 'data')).filter((each) => /restoring|before/.test(each))).toEqual(
      [],
    );
  });

  it('takes only sound databases of Curfew’s, and leaves the present one alone otherwise', async () => {
    await backUp();
    await stop();
    const before = headOf(project.databaseFile);
    const other = join(project.folder, 'other.db');
    const foreign = new Sqlite(other);
    foreign.exec('create table t (x)');
    foreign.close();
    const torn = join(project.folder, 'torn.db');
    writeFileSync(torn, readFileSync(file).fill(0x41, 4096, 40_000));
    const newer = join(project.folder, 'newer.db');
    copyFileSync(file, newer);
    const tomorrow = new Sqlite(newer);
    tomorrow.prepare('insert into kysely_migration values (?, ?)').run('9999-tomorrow', 'x');
    tomorrow.close();
    writeFileSync(join(project.folder, 'text.db'), 'Dear diary, '.repeat(1000));
    for (const [path, words] of [
      [other, 'not a database of Curfew'],
      [torn, /damaged|no sound SQLite/],
      [newer, 'newer version of Curfew'],
      [join(project.folder, 'text.db'), 'no sound SQLite database'],
      [join(project.folder, 'gone.db'), 'There is no file'],
      [join(project.folder, 'data'), 'is not a file'],
      [project.databaseFile, 'the database itself'],
    ] as const) {
      const refused = await curfew('restore', path, '--yes');
      expect(refused).toMatchObject({ status: 1, stdout: '' });
      expect(refused.stderr).toMatch(words);
    }
    expect(headOf(project.databaseFile)).toEqual(before);
    expect(readdirSync(join(project.folder, 'data')).filter((each) => /restoring|before/.test(each))).toEqual(
      [],
    );
  });

  it.each([
    ['revokes every API key', [], ['bot'], 401],
    ['keeps them where somebody vouches for them', ['--keep-api-keys'], [], 200],
  ] as const)(
    'where the present database cannot tell which keys were revoked since, %s',
    async (_, options, revoked, status) => {
      const [asha] = await running().services.accounts.userAdmin.list();
      const { secret } = await makeKey(running(), asha?.id ?? '');
      await backUp();
      await stop();
      writeFileSync(project.databaseFile, 'ruined '.repeat(10_000));
      const done = await restore('--server-stopped', '--json', ...options);
      expect(JSON.parse(done.stdout)).toMatchObject({ carriedOver: null, revokedKeys: revoked });
      await start();
      const answer = await fetch(`${running().origin}/api/v1/session`, {
        headers: { Authorization: `Bearer ${secret}` },
      });
      expect(answer.status).toBe(status);
    },
  );

  it('where the present database is ruined, says what must be looked through by hand', async () => {
    await backUp();
    await laptop.submit('/auth/logout', { everywhere: 'yes' });
    await stop();
    writeFileSync(project.databaseFile, 'ruined '.repeat(10_000));
    expect((await restore()).stderr).toContain('--server-stopped');
    const done = await restore('--server-stopped');
    expect(done.status).toBe(0);
    expect(done.stderr).toContain('Could not read the previous database');
    await start();
    expect([await isIn(laptop), await tokenOf()]).toEqual([false, 'reauth_required']);
    await signIn(createVisitor(running().origin));
  });

  function readWhole(path: string): string {
    return ['', '-wal']
      .map((ending) => (existsSync(path + ending) ? readFileSync(path + ending, 'latin1') : ''))
      .join('');
  }

  function headOf(path: string): { seq: number; hash: string } {
    return inFile(
      path,
      (db) => db.prepare('select seq, hash from audit_head').get() as { seq: number; hash: string },
    );
  }
});

describe('backup and restore on Postgres', { timeout: CLI_TEST_TIMEOUT_MS }, () => {
  it('prints what to type, which works and brings no session and no token back', async () => {
    const url = await createDatabase({ url: inject('postgresUrl') });
    const withPassword = new URL(url);
    withPassword.password = 'not-to-be-seen';
    const project = createProjectCopy({ DATABASE_URL: url });
    const file = join(project.folder, 'copy.dump');
    const printed = await project.curfew(['backup', file, '--json'], {
      settings: { ...project.settings, DATABASE_URL: withPassword.href },
    });
    expect(printed.stdout).not.toContain('not-to-be-seen');
    const { dump, restore } = JSON.parse(printed.stdout) as { dump: string; restore: string };
    expect((await project.curfew(['restore', file, '--yes'])).stderr).toContain('pg_restore');

    const shell = (command: string) =>
      execFileSync('sh', ['-c', command], {
        env: { PATH: postgresPath(), PGPASSWORD: new URL(url).password },
      });
    let server = await startTestServer({ env: project.settings });
    const visitor = createVisitor(server.origin);
    await setUp(visitor);
    await signIn(visitor);
    await connectSandbox(visitor);
    const [owner] = await server.services.accounts.userAdmin.list();
    await makeKey(server, owner?.id ?? '');
    shell(dump);
    await server.close();
    shell(restore);

    const ended = await project.curfew(['restore', '--after-pg-restore', '--json']);
    expect(ended.status).toBe(0);
    expect(JSON.parse(ended.stdout)).toMatchObject({
      receipt: { reason: 'restored', status: 'done' },
      revokedKeys: ['bot'],
    });
    expect(ended.stderr).toContain('Could not read the previous database');

    server = await startTestServer({ env: project.settings });
    const back = createVisitor(server.origin);
    back.useSessionCookie(visitor.sessionCookie());
    expect((await back.get('/dashboard')).status).toBe(303);
    const [user] = await server.services.accounts.userAdmin.list();
    expect((await server.services.brokers.reader.accessToken(user?.id ?? '', 'sandbox')).kind).toBe(
      'reauth_required',
    );
    await signIn(back);
    const { db } = server.infrastructure.database;
    expect(await db.selectFrom('broker_tokens').selectAll().execute()).toEqual([]);
    expect((await project.curfew(['audit', 'verify'])).status).toBe(0);
    await server.close();
    project.remove();
  });
});

async function makeKey({ services }: TestServer, userId: string) {
  const key = await services.api.apiKeys.create(
    userId,
    {
      name: 'bot',
      scopes: ['session:read'],
      addresses: { primary: undefined, secondary: undefined },
      expiresAt: undefined,
    } as never,
    { actor: 'test' },
  );
  if (key.kind !== 'created') throw new Error(key.kind);
  return key;
}

/** Where the newest Postgres has its programs on Debian, and whatever else there is. */
function postgresPath(): string {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : [];
  return [...versions.map((version) => `${root}/${version}/bin`), process.env['PATH']].join(':');
}
