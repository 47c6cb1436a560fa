import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findFreePort } from '../support/free-port.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { connectSandbox, createVisitor, setUp, signIn } from '../support/visitor.ts';
import { CLI_TEST_TIMEOUT_MS, createProjectCopy, type ProjectCopy } from './project-copy.ts';
import { WAYS_TO_RUN } from './ways-to-run.ts';

describe.each(WAYS_TO_RUN)(
  'beside a server in a process of its own, %s',
  { timeout: CLI_TEST_TIMEOUT_MS },
  (_name, createStores) => {
    let project: ProjectCopy;
    let server: ServerProcess;
    let origin: string;
    beforeEach(async () => {
      const port = await findFreePort();
      origin = `http://127.0.0.1:${port}`;
      project = createProjectCopy({ ...(await createStores()), PORT: String(port) });
      // Both read the same .env, and the server is started as npm start does it.
      project.writeEnvFile(
        Object.entries(project.settings)
          .map(([name, value]) => `${name}=${value}`)
          .join('\n'),
      );
      server = await startServerProcess({
        // Without the variables of the test runner, which has a BASE_URL of its own.
        command: 'env',
        args: ['-i', process.execPath, join(project.folder, 'src/main.ts')],
        ready: /Curfew is ready/,
        orphanSignal: 'SIGTERM',
      });
    });
    afterEach(async () => {
      await server.end('SIGTERM');
      project.remove();
    });

    const curfew = (...args: string[]) => project.curfew(args, { settings: {} });

    it('a revocation counts for the very next request', async () => {
      const visitor = createVisitor(origin);
      await setUp(visitor);
      await signIn(visitor);
      await connectSandbox(visitor);
      expect((await visitor.get('/broker')).text).toContain('Connected until');

      expect(await curfew('sessions', 'revoke', '--user', 'asha')).toMatchObject({ status: 0, stderr: '' });

      expect((await visitor.get('/broker')).location).toBe('/auth/login?reason=revoked&returnTo=%2Fbroker');
      await signIn(visitor);
      expect((await visitor.get('/broker')).text).toContain('Ended by an administrator');
      expect((await visitor.get('/dashboard')).text).toContain('An administrator ended a session');
    });

    it('a user that was made here signs in there, and the setup page is gone', async () => {
      const person = ['--username', 'asha', '--email', 'asha@example.org', '--role', 'admin'];
      const made = await curfew('users', 'create', ...person, '--json');
      const { temporaryPassword } = JSON.parse(made.stdout);
      const visitor = createVisitor(origin);
      await signIn(visitor, { username: 'asha', password: temporaryPassword });
      expect((await visitor.get('/dashboard')).status).toBe(200);
      expect((await visitor.get('/setup')).status).toBe(404);
    });

    it('the doctor finds a running installation in order', async () => {
      await setUp(createVisitor(origin));
      const { status, stdout, stderr } = await curfew('doctor', '--json');
      const { ok, checks } = JSON.parse(stdout);
      expect(checks.filter((check: { status: string }) => check.status !== 'ok')).toEqual([]);
      expect({ status, ok, stderr }).toEqual({ status: 0, ok: true, stderr: '' });
    });
  },
);
