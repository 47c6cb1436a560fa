import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createScratchDirectory, type ScratchDirectory } from '../support/scratch-directory.ts';
import { startTestServer } from '../support/test-server.ts';
import { createVisitor, PERSON, setUp, signIn } from '../support/visitor.ts';
import { createBrowser, csrfTokenIn } from './support/browser.ts';
import { type Device, letsIn, mustSignIn } from './support/device.ts';
import { measured } from './support/measured.ts';
import { type NodeProcess, startNode } from './support/node-process.ts';

const ANSWERS_WITHIN_MS = 2000;

describe('a SQLite file that another process has locked', () => {
  let directory: ScratchDirectory;
  let node: NodeProcess;
  let other: SqliteDatabase.Database;
  let device: Device;

  beforeEach(async () => {
    directory = createScratchDirectory('sqlite');
    const file = join(directory.path, 'curfew.db');
    node = await startNode({ env: { DATABASE_URL: `sqlite:${file}`, REDIS_URL: '' } });
    const browser = createBrowser({ baseUrl: node.origin });
    const setup = await browser.request(node.origin, '/setup');
    await browser.request(node.origin, '/setup', { form: { ...PERSON, _csrf: csrfTokenIn(setup) } });
    device = await mustSignIn({ baseUrl: node.origin }, node.origin, PERSON);
    await device.submit(node.origin, '/sessions/revocation');
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

describe('a SQLite file on a full disk', () => {
  test('answers a logout with 503 that says it has not happened yet, and works when there is room again', async () => {
    const server = await startTestServer();
    const visitor = createVisitor(server.origin);
    await setUp(visitor);
    await signIn(visitor);
    const { db } = server.ports.database;
    const token = await visitor.csrfTokenOf('/dashboard');
    const form = { _csrf: token, everywhere: 'yes' };
    const logOut = () => visitor.post('/auth/logout', form, { Origin: server.origin });

    // The file may grow by no page, and what is free in it is filled up.
    await sql`create table filler (bytes blob)`.execute(db);
    const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(db);
    await sql`pragma max_page_count = ${sql.raw(String(rows[0]?.page_count ?? 0))}`.execute(db);
    await fillUp();

    const full = await logOut();
    expect(full.status).toBe(503);
    expect(full.text).toContain('You are not signed out yet');
    expect((await visitor.get('/sessions')).status).toBe(200);

    await sql`pragma max_page_count = 1000000`.execute(db);
    expect((await logOut()).location).toBe('/auth/login?reason=logged_out');
    await server.close();

    async function fillUp(): Promise<void> {
      for (const table of ['filler', 'user_epochs', 'revocations']) await fill(table);
    }

    async function fill(table: string): Promise<void> {
      try {
        for (let n = 0; n < 10_000; n += 1) await insertInto(table, n);
      } catch (error) {
        expect(error).toMatchObject({ code: 'SQLITE_FULL' });
      }
    }

    function insertInto(table: string, n: number): Promise<unknown> {
      if (table === 'filler') return sql`insert into filler values (zeroblob(500))`.execute(db);
      if (table === 'user_epochs')
        return sql`insert into user_epochs values (${`nobody-${n}`}, 1)`.execute(db);
      return sql`insert into revocations values (${`filler-${n}`}, null, 'nobody', 'logged_out', '{}', 0, '', 'done', 0, 0)`.execute(
        db,
      );
    }
  });
});
