import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCommandLine } from '../../src/cli/command-line.ts';
import { systemClock } from '../../src/core/clock.ts';
import { createScratchDirectory } from '../support/scratch-directory.ts';
import { startTestServer, TEST_SECRETS } from '../support/test-server.ts';
import { createVisitor, setUp, signIn } from '../support/visitor.ts';

test('the status counts what is open, and tells plainly when the server is down', async () => {
  const directory = createScratchDirectory('status');
  const DATABASE_URL = `sqlite:${join(directory.path, 'curfew.db')}`;
  const server = await startTestServer({ env: { DATABASE_URL } });
  const environment = { ...TEST_SECRETS, DATABASE_URL, PORT: new URL(server.origin).port };
  const visitor = createVisitor(server.origin);
  await setUp(visitor);
  await signIn(visitor);

  async function status(...args: readonly string[]) {
    const printed: string[] = [];
    const terminal = {
      print: async (text: string) => void printed.push(text),
      say: () => undefined,
    } as never;
    const exitCode = await runCommandLine(['status', ...args], { environment, terminal, clock: systemClock });
    return { exitCode, text: printed.join('\n') };
  }

  const up = await status('--json');
  expect(up.exitCode).toBe(0);
  expect(JSON.parse(up.text)).toMatchObject({
    up: true,
    ready: true,
    nextCutoff: expect.stringContaining('T03:00:00.000+05:30'),
    sessions: 1,
    brokerConnections: 0,
    pendingRevocations: 0,
  });
  await server.close();
  const down = await status();
  expect(down.exitCode).toBe(1);
  expect(down.text).toContain('down: nothing answers at http://127.0.0.1:');
  directory.remove();
});
