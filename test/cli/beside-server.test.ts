import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectSandbox, createVisitor, setUp, signIn } from '../support/visitor.ts';
import { CLI_TEST_TIMEOUT_MS } from './project-copy.ts';
import { type ServerBeside, startServerBeside } from './server-beside.ts';
import { WAYS_TO_RUN } from './ways-to-run.ts';

describe.each(WAYS_TO_RUN)(
  'beside a server in a process of its own, %s',
  { timeout: CLI_TEST_TIMEOUT_MS },
  (_name, createStores) => {
    let server: ServerBeside;
    let origin: string;
    beforeEach(async () => {
      server = await startServerBeside(await createStores());
      origin = server.origin;
    });
    afterEach(() => server.end());

    const curfew = (...args: string[]) => server.curfew(...args);

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
      expect((await visitor.get('/dashboard')).text).toContain('An administrator ended it');
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
