import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { createScratchDirectory, type ScratchDirectory } from '../support/scratch-directory.ts';
import { PERSON } from '../support/visitor.ts';
import { createBrowser, csrfTokenIn, type Reply } from './support/browser.ts';
import { type Device, letsIn, mustSignIn, signInDevice } from './support/device.ts';
import { makeFirstAccount } from './support/first-account.ts';
import { FULL_DISKS } from './support/full-disk.ts';
import { measured } from './support/measured.ts';
import { type NodeProcess, startNode } from './support/node-process.ts';

const ANSWERS_WITHIN_MS = 2000;
const HELD_MS = 10_000;
/** Twelve requests come at once, and the first waits for a second. If each did, no machine could answer as soon as this. */
const HAD_EACH_WAITED_MS = 6000;

describe('a SQLite file that another process has locked', () => {
  let directory: ScratchDirectory;
  let node: NodeProcess;
  let other: SqliteDatabase.Database;
  let device: Device;

  beforeEach(async () => {
    directory = createScratchDirectory('sqlite');
    const file = join(directory.path, 'curfew.db');
    node = await startNode({ env: embedded(file) });
    device = await setUpAndSignIn(node);
    other = new SqliteDatabase(file);
    other.exec('begin immediate');
  });
  afterEach(async () => {
    other.close();
    await node.kill();
    directory.remove();
  });

  test('answers a logout with 503 that says it has not happened yet, and does nothing by halves', async () => {
    const reply = await device.logOut(node.origin);
    measured('sqlite locked: a logout is answered after', `${reply.ms} ms`);
    expect(reply.status).toBe(503);
    expect(reply.text).toContain('You are not signed out yet');
    expect(reply.headers['retry-after']).toMatch(/^\d+$/);
    expect(reply.headers['set-cookie']).toBeUndefined();
    expect(reply.ms).toBeLessThan(ANSWERS_WITHIN_MS);
    expect(other.prepare('select count(*) as n from revocations').get()).toEqual({ n: 0 });
    expect(other.prepare('select count(*) as n from user_epochs').get()).toEqual({ n: 0 });
    expect(letsIn(await device.page(node.origin))).toBe(true);
  });

  test('carries the logout out when it is asked again after the lock is gone', async () => {
    expect((await device.logOut(node.origin)).status).toBe(503);
    other.exec('rollback');
    expect((await device.logOut(node.origin)).location).toBe('/auth/login?reason=logged_out');
    expect((await device.page(node.origin)).status).toBe(303);
  });
});

describe('a SQLite file that another process holds for longer than anybody waits', () => {
  let directory: ScratchDirectory;
  let node: NodeProcess;
  let other: SqliteDatabase.Database;
  let device: Device;

  beforeEach(async () => {
    directory = createScratchDirectory('sqlite-held');
    const file = join(directory.path, 'curfew.db');
    node = await startNode({ env: embedded(file) });
    device = await setUpAndSignIn(node);
    other = new SqliteDatabase(file);
    other.exec('begin exclusive');
  });
  afterEach(async () => {
    other.close();
    await node.kill();
    directory.remove();
  });

  test('answers pages, sign-ins, forms and programs without one wait after the other, however many come', async () => {
    const { origin } = node;
    const visitors = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const browser = createBrowser({ baseUrl: origin });
        const token = csrfTokenIn(await browser.request(origin, '/auth/login'));
        return { browser, form: { ...PERSON, _csrf: token } };
      }),
    );
    const rounds: Reply[] = [];
    const end = performance.now() + HELD_MS;
    while (performance.now() < end) {
      const replies = await Promise.all([
        device.page(origin),
        device.page(origin),
        device.submit(origin, '/settings', { theme: 'dark' }),
        device.submit(origin, '/api-keys', { name: 'Bot', scopes: 'session:read' }),
        device.submit(origin, '/telegram/events', {}),
        device.logOut(origin),
        ...visitors.map(({ browser, form }) => browser.request(origin, '/auth/login', { form })),
        createBrowser({ baseUrl: origin }).request(origin, '/api/v1/session'),
        createBrowser({ baseUrl: origin }).request(origin, '/healthz'),
      ]);
      rounds.push(...replies);
    }
    const slowest = Math.max(...rounds.map(({ ms }) => ms));
    measured('sqlite held: the slowest of all answers', `${slowest} ms of ${rounds.length}`);
    expect(slowest).toBeLessThan(HAD_EACH_WAITED_MS);
    const refused = rounds.filter(({ status }) => status === 503);
    expect(refused.length).toBeGreaterThan(0);
    for (const { headers } of refused) expect(headers['retry-after']).toMatch(/^\d+$/);
    expect(rounds.every(({ status }) => status !== 0 && status !== 500)).toBe(true);
    expect(letsIn(await device.page(origin))).toBe(true);

    other.exec('rollback');
    expect((await device.logOut(origin)).location).toBe('/auth/login?reason=logged_out');
    expect((await mustSignIn({ baseUrl: origin }, origin, PERSON)).session).not.toBe('');
  });
});

describe.each(FULL_DISKS)('a SQLite file that %s', (name, createDisk) => {
  test('answers a logout with 503 that says it has not happened yet, and works when there is room again', async () => {
    const disk = createDisk();
    // Also after a failure: a file system that is left mounted would stay until the machine starts again.
    onTestFinished(() => disk.remove());
    const node = await startNode({ env: embedded(join(disk.path, 'curfew.db')) });
    onTestFinished(() => node.kill());
    const [device, ended] = [
      await setUpAndSignIn(node),
      await mustSignIn({ baseUrl: node.origin }, node.origin, PERSON),
    ];
    expect((await ended.logOut(node.origin)).location).toBe('/auth/login?reason=logged_out');

    disk.fillUp(node);
    const full = await device.logOut(node.origin, { everywhere: true });
    measured(`sqlite ${name}: a logout is answered after`, `${full.ms} ms`);
    expect(full.status).toBe(503);
    expect(full.text).toContain('You are not signed out yet');
    expect(full.headers['retry-after']).toMatch(/^\d+$/);
    expect(full.headers['set-cookie']).toBeUndefined();
    expect(full.ms).toBeLessThan(ANSWERS_WITHIN_MS);
    // What can be read goes on; what is over stays over; and nobody can sign in who could not be signed out.
    expect(letsIn(await device.page(node.origin))).toBe(true);
    expect((await ended.page(node.origin)).status).toBe(303);
    const { reply } = await signInDevice({ baseUrl: node.origin }, node.origin, PERSON);
    expect(reply.status).toBe(503);
    expect(reply.headers['set-cookie']).toBeUndefined();

    disk.makeRoom(node);
    expect((await device.logOut(node.origin, { everywhere: true })).location).toBe(
      '/auth/login?reason=logged_out',
    );
    expect((await device.page(node.origin)).status).toBe(303);
  });
});

const embedded = (file: string) => ({ DATABASE_URL: `sqlite:${file}`, REDIS_URL: '' });

/** The token of its forms is at hand, for a time when it cannot be fetched. */
async function setUpAndSignIn(node: NodeProcess): Promise<Device> {
  await makeFirstAccount(node);
  const device = await mustSignIn({ baseUrl: node.origin }, node.origin, PERSON);
  await device.openForm(node.origin);
  return device;
}
