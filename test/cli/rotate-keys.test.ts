import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPostgresDatabase } from '../support/databases.ts';
import { createScratchDirectory } from '../support/scratch-directory.ts';
import { startTestServer, TEST_SECRETS, type TestServer } from '../support/test-server.ts';
import { connectSandbox, createVisitor, setUp, signIn } from '../support/visitor.ts';
import { runCommand } from './run-command.ts';

const OLD_KEY = TEST_SECRETS.ENCRYPTION_KEY;
const NEW_KEY = Buffer.from('a key of thirty-two bytes, newer').toString('base64url');

const DATABASES = [
  ['SQLite', async (folder: string) => `sqlite:${join(folder, 'curfew.db')}`],
  ['Postgres', async () => createPostgresDatabase()],
] as const;

describe.each(DATABASES)('keys rotate, beside a running server, on %s', (_name, createUrl) => {
  const scratches: { remove(): void }[] = [];
  let DATABASE_URL: string;
  let server: TestServer;
  let userId: string;

  beforeEach(async () => {
    const scratch = createScratchDirectory('rotate');
    scratches.push(scratch);
    DATABASE_URL = await createUrl(scratch.path);
    server = await startTestServer({ env: { DATABASE_URL } });
    const visitor = createVisitor(server.origin);
    await setUp(visitor);
    await signIn(visitor);
    await connectSandbox(visitor);
    userId = (
      await server.infrastructure.database.db.selectFrom('users').select('id').executeTakeFirstOrThrow()
    ).id;
    // The operator puts the new key in front and starts the server again.
    await restart(`${NEW_KEY},${OLD_KEY}`);
  });
  afterEach(async () => {
    await server.close();
    for (const scratch of scratches.splice(0)) scratch.remove();
  });

  async function restart(keys: string): Promise<void> {
    await server.close();
    server = await startTestServer({ env: { DATABASE_URL, ENCRYPTION_KEY: keys } });
  }

  const curfew = (keys: string, ...args: string[]) =>
    runCommand(args, { settings: { ...TEST_SECRETS, DATABASE_URL, ENCRYPTION_KEY: keys } });
  const read = () => server.services.brokers.reader.accessToken(userId, 'sandbox');

  it('lets the old key go without anybody having to connect again', async () => {
    const before = await read();
    const { status, stdout, stderr } = await curfew(`${NEW_KEY},${OLD_KEY}`, 'keys', 'rotate', '--json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ renewed: 3, current: 0, unreadable: 0, changed: 0 });
    expect(JSON.parse(stdout).columns).toContainEqual({
      name: 'broker_tokens.feed_token',
      renewed: 1,
      current: 0,
      unreadable: 0,
      changed: 0,
    });
    expect(stderr).toContain('Rotating broker_tokens.access_token (1)');
    server.services.caches.clearAll();
    expect(await read()).toEqual(before);
    await restart(NEW_KEY);
    expect(await read()).toEqual(before);
  });

  it('refuses, and changes nothing, while a running server has not been given the new key', async () => {
    await restart(OLD_KEY);
    const before = await read();
    const { status, stderr } = await curfew(`${NEW_KEY},${OLD_KEY}`, 'keys', 'rotate');
    expect(status).toBe(1);
    expect(stderr).toContain('without the first key of ENCRYPTION_KEY: 1 of 1');
    server.services.caches.clearAll();
    expect(await read()).toEqual(before);
    await restart(`${NEW_KEY},${OLD_KEY}`);
    expect((await curfew(`${NEW_KEY},${OLD_KEY}`, 'keys', 'rotate')).status).toBe(0);
  });

  it('says in words what it did, and that there was nothing left to do', async () => {
    expect((await curfew(`${NEW_KEY},${OLD_KEY}`, 'keys', 'rotate')).stdout).toMatch(
      /all +3 renewed, 0 were/,
    );
    expect((await curfew(`${NEW_KEY},${OLD_KEY}`, 'keys', 'rotate')).stdout).toMatch(
      /all +0 renewed, 3 were/,
    );
  });

  it('fails, and says how many, where there is something that no key reads', async () => {
    const { status, stderr } = await curfew(NEW_KEY, 'keys', 'rotate');
    expect(status).toBe(1);
    expect(stderr).toContain('3 could not be read with any key');
    expect(await read()).toMatchObject({ kind: 'token' });
  });
});
