import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { generateTotpSecret } from '../../src/accounts/second-factor/totp.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { totpCode } from '../support/totp-code.ts';
import { createVisitor, signIn } from '../support/visitor.ts';
import { CLI_TEST_TIMEOUT_MS, createProjectCopy, type ProjectCopy } from './project-copy.ts';

const PASSWORD = 'tractor pelican moss';
const asha = ['--username', 'asha', '--email', 'asha@example.org', '--role', 'admin'];
const ravi = ['--username', 'ravi', '--email', 'ravi@example.org'];

describe('users', { timeout: CLI_TEST_TIMEOUT_MS }, () => {
  let project: ProjectCopy;
  let server: TestServer;
  beforeEach(async () => {
    project = createProjectCopy();
    server = await startTestServer({ env: project.settings });
  });
  afterEach(async () => {
    await server.close();
    project.remove();
  });

  const create = (person: readonly string[], ...more: string[]) =>
    project.curfew(['users', 'create', ...person, ...more]);
  const signInWith = (username: string, password: string) =>
    createVisitor(server.origin).submit('/auth/login', { username, password });

  it('create makes an account that can sign in, and shows its password once', async () => {
    const { status, stdout, stderr } = await create(asha, '--json');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const { user, temporaryPassword } = JSON.parse(stdout);
    expect(user).toEqual({
      id: expect.any(String),
      username: 'asha',
      email: 'asha@example.org',
      role: 'admin',
      disabled: false,
      createdAt: expect.stringMatching(/\+05:30$/),
    });
    await signIn(createVisitor(server.origin), { username: 'asha', password: temporaryPassword });
    expect((await createVisitor(server.origin).get('/setup')).status).toBe(404);
    expect(auditRows()).toContainEqual({ type: 'account.created', actor: 'cli' });
    expect(everythingStored()).not.toContain(temporaryPassword);
  });

  it('create takes a password from standard input, and does not repeat it', async () => {
    const given = await project.curfew(['users', 'create', ...asha, '--password-stdin'], {
      input: `${PASSWORD}\n`,
    });
    expect(given).toMatchObject({ status: 0, stdout: 'Created asha (admin).\n', stderr: '' });
    expect((await signInWith('asha', PASSWORD)).status).toBe(303);
    expect(await create(ravi, '--password-stdin')).toMatchObject({ status: 1, stdout: '' });
  });

  it('create says everything that is wrong, and makes nobody', async () => {
    const wrong = await create(['--username', 'x', '--email', 'nowhere']);
    expect({ status: wrong.status, stdout: wrong.stdout }).toEqual({ status: 1, stdout: '' });
    expect(wrong.stderr).toMatch(/^curfew: Nothing was changed\. username: .* email: .*\n$/);
    const weak = await project.curfew(['users', 'create', ...asha, '--password-stdin'], {
      input: 'password',
    });
    expect(weak.stderr).toContain('password: ');
    await create(asha);
    expect((await create(['--username', 'ASHA', '--email', 'b@example.org'])).stderr).toContain('is taken');
    expect(JSON.parse((await project.curfew(['users', 'list', '--json'])).stdout).users).toHaveLength(1);
  });

  it('create warns when nobody is an admin', async () => {
    expect((await create(ravi)).stderr).toContain('No admin can sign in now');
    expect((await create(asha)).stderr).toBe('');
  });

  it('list shows everybody, by name', async () => {
    await create(ravi);
    await create(asha);
    const { status, stdout, stderr } = await project.curfew(['users', 'list']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '2 users.\n' });
    expect(stdout).toMatch(
      /^USER {2}EMAIL +ROLE +STATE +SINCE \(IST\)\nasha {2}asha@.*admin.*\nravi {2}ravi@.*active.*\n$/,
    );
  });

  it('disable ends everything of theirs at once, and they sign in no more', async () => {
    await create(asha);
    const { temporaryPassword: password } = JSON.parse((await create(ravi, '--json')).stdout);
    const visitor = createVisitor(server.origin);
    await signIn(visitor, { username: 'ravi', password });

    const done = await project.curfew(['users', 'disable', 'RAVI', '--json']);
    expect({ status: done.status, stderr: done.stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(done.stdout)).toMatchObject({
      user: { username: 'ravi', disabled: true },
      receipt: { reason: 'account_disabled', status: 'done' },
    });

    expect((await visitor.get('/dashboard')).location).toContain('reason=revoked');
    expect((await signInWith('ravi', password)).status).toBe(401);
  });

  it('disable refuses the last admin, with words', async () => {
    const { temporaryPassword: password } = JSON.parse((await create(asha, '--json')).stdout);
    const refused = await project.curfew(['users', 'disable', 'asha', '--json']);
    expect({ status: refused.status, stdout: refused.stdout }).toEqual({ status: 1, stdout: '' });
    expect(refused.stderr).toMatch(
      /^curfew: Nothing was changed\. asha is the last admin who can sign in: .*\n$/,
    );
    await signIn(createVisitor(server.origin), { username: 'asha', password });
  });

  it('enable lets them sign in again, with nothing of what had ended', async () => {
    await create(asha);
    const { temporaryPassword: password } = JSON.parse((await create(ravi, '--json')).stdout);
    const visitor = createVisitor(server.origin);
    await signIn(visitor, { username: 'ravi', password });
    await project.curfew(['users', 'disable', 'ravi']);
    const done = await project.curfew(['users', 'enable', 'RAVI']);
    expect(done).toMatchObject({ status: 0, stdout: 'Enabled ravi.\n', stderr: '' });
    expect((await visitor.get('/dashboard')).status).toBe(303);
    await signIn(visitor, { username: 'ravi', password });
    const json = await project.curfew(['users', 'enable', 'ravi', '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ user: { username: 'ravi', disabled: false } });
    expect(auditRows()).toContainEqual({ type: 'account.enabled', actor: 'cli' });
  });

  it('reset-link prints a link that sets another password once, and refuses who is disabled', async () => {
    await create(asha);
    await create(ravi);
    const { stdout } = await project.curfew(['users', 'reset-link', 'RAVI', '--json']);
    const { user, link } = JSON.parse(stdout);
    expect(user).toMatchObject({ username: 'ravi' });
    const { pathname } = new URL(link);
    const visitor = createVisitor(server.origin);
    const password = 'another quiet harbour 91';
    expect((await visitor.submit(pathname, { password })).location).toContain('password_reset');
    expect((await visitor.get(pathname)).status).toBe(404);
    await signIn(visitor, { username: 'ravi', password });
    expect(auditRows()).toContainEqual({ type: 'reset.requested', actor: 'cli' });
    await project.curfew(['users', 'disable', 'ravi']);
    const refused = await project.curfew(['users', 'reset-link', 'ravi']);
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect((await project.curfew(['users', 'reset-link', 'nobody'])).status).toBe(1);
  });

  it('reset-factors removes the second factor, and says where there was none', async () => {
    const { user } = JSON.parse((await create(asha, '--json')).stdout);
    const secret = generateTotpSecret();
    const code = totpCode(secret);
    const { secondFactor } = server.services.accounts;
    await secondFactor.enrol({ userId: user.id, secret }, code, { actor: 'test' });
    const done = await project.curfew(['users', 'reset-factors', 'ASHA']);
    expect(done).toMatchObject({ status: 0, stdout: 'Second factor of asha removed.\n', stderr: '' });
    expect(await secondFactor.has(user.id)).toBe(false);
    expect(auditRows()).toContainEqual({ type: 'totp.reset', actor: 'cli' });
    const again = await project.curfew(['users', 'reset-factors', 'asha', '--json']);
    expect(JSON.parse(again.stdout)).toMatchObject({ user: { username: 'asha' }, removed: false });
  });

  it('reset-password ends what began with the old one', async () => {
    const { temporaryPassword: old } = JSON.parse((await create(asha, '--json')).stdout);
    const visitor = createVisitor(server.origin);
    await signIn(visitor, { username: 'asha', password: old });

    const done = await project.curfew(['users', 'reset-password', 'asha']);
    expect(done.status).toBe(0);
    const fresh = /shown this once: (\S+)\n/.exec(done.stdout)?.[1] ?? '';
    expect((await visitor.get('/dashboard')).location).toContain('reason=revoked');
    expect((await signInWith('asha', old)).status).toBe(401);
    expect((await signInWith('asha', fresh)).status).toBe(303);

    const given = await project.curfew(['users', 'reset-password', 'asha', '--password-stdin', '--json'], {
      input: PASSWORD,
    });
    expect(JSON.parse(given.stdout)).toMatchObject({
      temporaryPassword: null,
      receipt: { status: 'done' },
      revokedApiKeys: 0,
    });
    expect(done.stdout).toContain('API keys revoked: 0.');
    expect((await signInWith('asha', PASSWORD)).status).toBe(303);
  });

  it.each(['disable', 'enable', 'reset-password'])('%s says when there is no such user', async (command) => {
    const { status, stdout, stderr } = await project.curfew(['users', command, 'nobody']);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^curfew: There is no user "nobody": .*\n$/);
  });

  it('does not take a password that a terminal would show', async () => {
    const args = ['users', 'create', ...asha, '--password-stdin'];
    const { status, stdout } = await project.curfewAtTerminal(args, `${PASSWORD}\n`);
    expect(status).toBe(1);
    expect(stdout).toContain('--password-stdin takes the password from a pipe');
  });

  function auditRows(): unknown[] {
    return query('select type, actor from audit_log');
  }

  function everythingStored(): string {
    return JSON.stringify(
      ['users', 'audit_log', 'revocations'].map((table) => query(`select * from ${table}`)),
    );
  }

  function query(statement: string): unknown[] {
    const database = new Sqlite(project.databaseFile, { readonly: true });
    const rows = database.prepare(statement).all();
    database.close();
    return rows;
  }
});
