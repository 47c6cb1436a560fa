import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createScratchDirectory, type ScratchDirectory } from '../support/scratch-directory.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { connectSandbox, createVisitor, setUp, signIn } from '../support/visitor.ts';
import { issueKey } from './issue-key.ts';

const PAGE = readFileSync(new URL('../../docs/websocket.md', import.meta.url), 'utf8');
const codeIn = (language: string): string =>
  new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 's').exec(PAGE)?.[1] ?? '';

describe('The clients in docs/websocket.md', () => {
  let server: TestServer;
  let userId: string;
  let folder: ScratchDirectory;

  beforeAll(async () => {
    server = await startTestServer();
    const asha = createVisitor(server.origin);
    await setUp(asha);
    await signIn(asha);
    await connectSandbox(asha);
    const { db } = server.infrastructure.database;
    ({ id: userId } = await db.selectFrom('users').select('id').executeTakeFirstOrThrow());
    folder = createScratchDirectory('clients');
  });
  afterAll(async () => {
    folder.remove();
    await server.close();
  });

  it.each([
    ['ts', 'client.ts', process.execPath],
    ['python', 'client.py', 'python3'],
  ])(
    'in %s connects, hears prices and events, comes back after a restart, and stops when its key ends',
    async (language, name, command) => {
      const file = join(folder.path, name);
      writeFileSync(file, codeIn(language));
      const { id, key } = await issueKey(server, userId);
      const client = spawn(command, [file, 'NSE:INFY'], {
        env: { ...process.env, CURFEW: server.origin, CURFEW_KEY: key },
      });
      const exit = new Promise<number | null>((resolve) => client.once('exit', resolve));
      const lines: string[] = [];
      createInterface(client.stdout).on('line', (line) => void lines.push(line));
      const heard = (text: string) =>
        expect.poll(() => lines.join('\n'), { timeout: 30_000 }).toContain(text);
      try {
        await heard('"type":"ack","id":"hello"');
        await heard('"type":"price","broker":"sandbox","symbol":"NSE:INFY"');
        await server.services.feed.events.tell(userId, { event: 'broker_rejected', broker: 'sandbox' });
        await heard('"event":"broker_rejected"');
        server.services.sockets.endAll({ code: 4503, reason: 'restarting' });
        await heard('closed: 4503');
        // It may be back before this looks: the second answer is counted, whenever it came.
        const hellos = () => lines.filter((line) => line.includes('"type":"ack","id":"hello"')).length;
        await expect.poll(hellos, { timeout: 30_000 }).toBe(2);
        const owned = await server.services.api.apiKeys.find(id);
        if (owned !== undefined) await server.services.api.apiKeys.revoke(owned, { actor: 'test' });
        expect(await exit).toBe(1);
        await heard('"type":"bye","code":4401,"reason":"key_ended"');
      } finally {
        client.kill();
      }
    },
  );
});
