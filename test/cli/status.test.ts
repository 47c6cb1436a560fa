import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createScratchDirectory } from '../support/scratch-directory.ts';
import { startTestServer, TEST_SECRETS } from '../support/test-server.ts';
import { createVisitor, setUp, signIn } from '../support/visitor.ts';
import { runCommand } from './run-command.ts';

test('the status counts what is open, and tells plainly when the server is down', async () => {
  const directory = createScratchDirectory('status');
  const DATABASE_URL = `sqlite:${join(directory.path, 'curfew.db')}`;
  const server = await startTestServer({ env: { DATABASE_URL } });
  const settings = { ...TEST_SECRETS, DATABASE_URL, PORT: new URL(server.origin).port };
  const visitor = createVisitor(server.origin);
  await setUp(visitor);
  await signIn(visitor);

  const status = (...args: readonly string[]) => runCommand(['status', ...args], { settings });

  const up = await status('--json');
  expect(up.status).toBe(0);
  expect(JSON.parse(up.stdout)).toMatchObject({
    up: true,
    ready: true,
    nextCutoff: expect.stringContaining('T03:00:00.000+05:30'),
    sessions: 1,
    brokerConnections: 0,
    pendingRevocations: 0,
  });
  await server.close();
  const down = await status();
  expect(down.status).toBe(1);
  expect(down.stdout).toContain('down: nothing answers at http://127.0.0.1:');
  directory.remove();
});
