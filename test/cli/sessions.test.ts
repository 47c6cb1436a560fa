import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { connectSandbox, createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { CLI_TEST_TIMEOUT_MS, createProjectCopy, type ProjectCopy } from './project-copy.ts';
import type { CliResult } from './run-command.ts';
import { WAYS_TO_RUN } from './ways-to-run.ts';

const PASSWORD = 'tractor pelican moss';

describe.each(WAYS_TO_RUN)(
  'sessions, beside a running server %s',
  { timeout: CLI_TEST_TIMEOUT_MS },
  (_name, createStores) => {
    let project: ProjectCopy;
    let server: TestServer;
    let phone: Visitor;
    let laptop: Visitor;
    beforeEach(async () => {
      project = createProjectCopy(await createStores());
      server = await startTestServer({ env: project.settings });
      phone = createVisitor(server.origin);
      laptop = createVisitor(server.origin);
      await setUp(phone);
      await signIn(phone);
      await signIn(laptop);
    });
    afterEach(async () => {
      await server.close();
      project.remove();
    });

    const userIdOf = async (username: string) => {
      const user = await server.services.accounts.users.findByUsername(username);
      if (user === undefined) throw new Error(`There is no ${username}`);
      return user.id;
    };
    const tokenOf = async (username: string) =>
      server.services.brokers.reader.accessToken(await userIdOf(username), 'sandbox');
    const cachedTokens = () => server.services.caches.of.auth.size;

    async function addRavi(): Promise<Visitor> {
      const person = {
        username: 'ravi',
        email: 'ravi@example.org',
        role: 'user',
        password: PASSWORD,
      } as const;
      await server.services.accounts.userAdmin.create(person, { actor: 'asha' });
      const visitor = createVisitor(server.origin);
      await signIn(visitor, person);
      return visitor;
    }

    /** What a command prints must not let its reader take over a session. */
    async function expectNoSessionIdIn(
      { stdout, stderr }: CliResult,
      sids: readonly string[],
    ): Promise<void> {
      expect(sids).not.toEqual([]);
      for (const sid of sids) {
        expect(stdout + stderr).not.toContain(sid);
        expect(stdout + stderr).not.toContain(sid.split('.').at(-1));
      }
    }

    it('list shows who is signed in, where from and since when', async () => {
      await addRavi();
      const devices = await server.services.registry.listByUser(await userIdOf('asha'));

      const text = await project.curfew(['sessions', 'list']);
      expect({ status: text.status, stderr: text.stderr }).toEqual({ status: 0, stderr: '3 sessions.\n' });
      const [heading, ...lines] = text.stdout.trimEnd().split('\n');
      expect(heading).toMatch(/^USER +DEVICE +ADDRESS +SIGNED IN \(IST\) +LAST SEEN \(IST\) +DEVICE ID$/);
      expect(lines.map((line) => line.split(' ')[0])).toEqual(['asha', 'asha', 'ravi']);
      expect(lines[0]).toMatch(/127\.0\.0\.1 {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}/);
      expect(lines[0]?.endsWith(devices[0]?.deviceId ?? '?')).toBe(true);

      const json = await project.curfew(['sessions', 'list', '--user', 'ASHA', '--json']);
      expect(json).toMatchObject({ status: 0, stderr: '' });
      expect(JSON.parse(json.stdout).sessions).toEqual(
        devices.map((device) => ({
          deviceId: device.deviceId,
          userId: device.userId,
          username: 'asha',
          role: 'admin',
          device: expect.any(String),
          address: '127.0.0.1',
          signedInAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+05:30$/),
          lastSeenAt: expect.stringMatching(/\+05:30$/),
        })),
      );
      const sids = devices.map((device) => device.sid);
      await expectNoSessionIdIn(text, sids);
      await expectNoSessionIdIn(json, sids);
    });

    it('list says so when there is nobody', async () => {
      await project.curfew(['sessions', 'revoke', '--all', '--yes']);
      expect(await project.curfew(['sessions', 'list'])).toMatchObject({
        status: 0,
        stdout: '',
        stderr: 'No session.\n',
      });
      const json = await project.curfew(['sessions', 'list', '--json']);
      expect(JSON.parse(json.stdout)).toEqual({ sessions: [] });
    });

    it('revoke ends everything of a person in the running server at once', async () => {
      await connectSandbox(phone);
      expect(await tokenOf('asha')).toMatchObject({ kind: 'token' });
      expect(cachedTokens()).toBe(1);
      const ravi = await addRavi();
      const sids = (await server.services.registry.listByUser(await userIdOf('asha'))).map(({ sid }) => sid);

      const result = await project.curfew(['sessions', 'revoke', '--user', 'asha', '--json']);

      // The very next look, before any message has arrived.
      expect(await tokenOf('asha')).toEqual({ kind: 'reauth_required', why: 'ended_by_admin' });
      expect((await phone.get('/dashboard')).location).toBe(
        '/auth/login?reason=revoked&returnTo=%2Fdashboard',
      );
      expect((await laptop.get('/dashboard', { Accept: 'application/json' })).status).toBe(401);
      expect(result).toMatchObject({ status: 0, stderr: '' });
      expect(JSON.parse(result.stdout)).toEqual({
        username: 'asha',
        sessions: 2,
        brokerTokens: 1,
        status: 'done',
        receipt: expect.objectContaining({ reason: 'ended_by_admin', scope: 'account', status: 'done' }),
      });
      await expectNoSessionIdIn(result, sids);
      await vi.waitFor(() => expect(cachedTokens()).toBe(0), { timeout: 2_000 });

      expect((await ravi.get('/dashboard')).status).toBe(200);
      const audit = await server.infrastructure.database.db
        .selectFrom('audit_log')
        .selectAll()
        .orderBy('id')
        .execute();
      expect(audit.filter((row) => row.type === 'revocation.carried_out').at(-1)).toMatchObject({
        actor: 'cli',
        user_id: await userIdOf('asha'),
      });
      // Nobody is locked out by it.
      await signIn(phone);
      expect((await phone.get('/dashboard')).status).toBe(200);
    });

    it('revoke prints a receipt for people', async () => {
      await connectSandbox(phone);
      const { status, stdout, lingeredMs } = await project.curfewProcess([
        'sessions',
        'revoke',
        '--user',
        'asha',
      ]);
      expect(status).toBe(0);
      expect(lingeredMs).toBeLessThan(3_000);
      expect(stdout).toMatch(/^Revocation [\w-]+ of \w{3} \d+ \w{3} \d{4}, [\d:]{8} IST\n/);
      expect(stdout).toContain('  broker tokens  1 ended (sandbox access and feed token)\n');
      expect(stdout).toContain('  sessions       2 ended\n');
    });

    it('revoke says when there is no such user, the empty one included', async () => {
      for (const nobody of ['nobody', '']) {
        const { status, stdout, stderr } = await project.curfew(['sessions', 'revoke', '--user', nobody]);
        expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
        expect(stderr).toMatch(/^curfew: There is no user .*\n$/);
      }
      expect((await phone.get('/dashboard')).status).toBe(200);
    });

    it('revoke --all ends everybody with a session, and everybody with only a broker token', async () => {
      const ravi = await addRavi();
      await connectSandbox(phone);
      // A token that outlived its sessions.
      const devices = await server.services.registry.listByUser(await userIdOf('asha'));
      await server.services.registry.end(
        devices.map(({ sid }) => sid),
        'logged_out',
      );

      const result = await project.curfew(['sessions', 'revoke', '--all', '--yes', '--json']);

      expect(result).toMatchObject({ status: 0, stderr: '' });
      expect(JSON.parse(result.stdout)).toEqual({ people: 2, sessions: 1, brokerTokens: 1, status: 'done' });
      expect((await ravi.get('/dashboard')).location).toContain('reason=revoked');
      expect(await tokenOf('asha')).toEqual({ kind: 'reauth_required', why: 'ended_by_admin' });
    });

    it('revoke --all asks first, and ends nobody without a yes', async () => {
      await addRavi();
      for (const answer of ['no\n', 'y\n', '\u0004']) {
        const { status, stdout } = await project.curfewAtTerminal(['sessions', 'revoke', '--all'], answer);
        expect(status).toBe(1);
        expect(stdout).toContain('of 2 people,');
        expect(stdout).toContain('Nothing was ended.');
      }
      expect((await phone.get('/dashboard')).status).toBe(200);

      const agreed = await project.curfewAtTerminal(['sessions', 'revoke', '--all'], 'yes\n');
      expect(agreed.status).toBe(0);
      expect(agreed.stdout).toContain('Ending 2 of 2');
      expect(agreed.stdout).toContain('People: 2, sessions ended: 3, broker tokens ended: 0.');
      expect((await phone.get('/dashboard')).status).toBe(303);
    });
  },
);
