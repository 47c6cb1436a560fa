import { spawnSync } from 'node:child_process';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { createRevocationStore } from '../../src/revocation/revocation-store.ts';
import { openSideDoor, type SignedIn } from '../sessions/side-door.ts';
import { createPostgresDatabase } from '../support/databases.ts';
import { createRedisDatabase } from '../support/redis-server.ts';
import { createScratchDirectory, type ScratchDirectory } from '../support/scratch-directory.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const SECOND_MS = 1000;

describe.each([
  ['SQLite', async (folder: string) => ({ DATABASE_URL: `sqlite:${join(folder, 'curfew.db')}` })],
  [
    'Redis and Postgres',
    async () => ({
      DATABASE_URL: await createPostgresDatabase(),
      REDIS_URL: await createRedisDatabase({ url: inject('redisUrl') }),
    }),
  ],
] as const)('a server that starts after a crash, on %s', (_name, settings) => {
  let directory: ScratchDirectory;
  let clock: SettableClock;
  let server: TestServer;

  beforeEach(async () => {
    directory = createScratchDirectory('jobs');
    clock = createSettableClock('2026-11-23T10:00:00+05:30');
    server = await startTestServer({ clock, env: await settings(directory.path) });
  });
  afterEach(async () => {
    await server.close();
    directory.remove();
  });

  const storeOf = (holder: string) =>
    createRevocationStore(server.infrastructure.database, clock, { name: holder, isGone: () => false });
  const isSignedIn = async (person: SignedIn) => {
    const door = await openSideDoor(server);
    const { status } = await door.who(person);
    await door.close();
    return status === 200;
  };
  const signIn = async (userId: string) => {
    const door = await openSideDoor(server);
    const person = await door.signIn(userId);
    await door.close();
    return person;
  };
  const statuses = async () =>
    (await server.infrastructure.database.db.selectFrom('revocations').select('status').execute()).map(
      ({ status }) => status,
    );
  const scopeOf = ({ sid }: SignedIn) => ({ kind: 'device', userId: 'asha', sids: [sid] }) as const;

  it('carries out what a process that is gone had only stored, before it answers anybody', async () => {
    const person = await signIn('asha');
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    await storeOf(`${hostname()} ${pid} run`).open(scopeOf(person), 'logged_out');
    expect(await isSignedIn(person)).toBe(true);
    await server.services.jobs.catchUp();
    expect(await isSignedIn(person)).toBe(false);
    expect(await server.services.revocation.revocations.countWaiting()).toBe(0);
  });

  it('leaves to whoever is at work what they hold, until their lease is over', async () => {
    const person = await signIn('asha');
    await storeOf('another-machine 17 run').open(scopeOf(person), 'logged_out');
    await server.services.jobs.catchUp();
    expect(await statuses()).toContain('open');
    clock.advance(30 * SECOND_MS);
    await server.services.jobs.catchUp();
    expect(await statuses()).not.toContain('open');
    expect(await isSignedIn(person)).toBe(false);
  });

  it('carries out what had failed and waits for its next try, however much that is', async () => {
    const store = storeOf('another-machine 17 run');
    for (let each = 0; each < 120; each += 1) {
      const scope = { kind: 'device', userId: `user-${each}`, sids: ['none'] } as const;
      const order = await store.open(scope, 'logged_out');
      if (order === undefined) throw new Error('no order');
      const receipt = {
        orderId: order.id,
        reason: order.reason,
        scope: scope.kind,
        orderedAt: order.orderedAt,
      };
      await store.saveProgress(
        { ...receipt, userId: scope.userId, status: 'queued', lines: [] },
        5,
        clock.now() + 300 * SECOND_MS,
      );
    }
    expect(await server.services.revocation.revocations.countWaiting()).toBe(120);
    await server.services.jobs.catchUp();
    expect(await server.services.revocation.revocations.countWaiting()).toBe(0);
  });
});
