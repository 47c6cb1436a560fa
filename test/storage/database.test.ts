import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Kysely, sql } from 'kysely';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { type Database, openDatabase } from '../../src/storage/database.ts';
import { isDatabaseFailure } from '../../src/storage/database-failure.ts';
import type { Schema } from '../../src/storage/schema.ts';
import { createTcpProxy } from '../faults/support/tcp-proxy.ts';
import { DATABASES, emptyPostgres } from '../support/databases.ts';
import { findFreePort } from '../support/free-port.ts';
import { createDatabase, startPostgres } from '../support/postgres-server.ts';
import { createScratchDirectory, type ScratchDirectory } from '../support/scratch-directory.ts';

const OPENER = join(import.meta.dirname, 'open-database.ts');
/** Kysely's own: whoever holds it is migrating. */
const MIGRATION_LOCK = '3853314791062309107';
/** Every file of the folder, in the order of their names. */
const MIGRATIONS = readdirSync(join(import.meta.dirname, '../../src/storage/migrations'))
  .map((file) => file.replace(/\.ts$/, ''))
  .sort();
const run = promisify(execFile);

async function appliedMigrations({ db }: Database): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db);
  return rows.map((row) => row.name);
}

describe.each(DATABASES)('a database on %s', (_name, open) => {
  let database: Database;
  beforeEach(async () => {
    database = await open();
  });
  afterEach(() => database.close());

  it('has its tables when it is open', async () => {
    expect(await appliedMigrations(database)).toEqual(MIGRATIONS);
    expect(await database.db.selectFrom('users').selectAll().execute()).toEqual([]);
    await database.ping();
  });

  it('holds instants to the millisecond, as numbers', async () => {
    const instant = Date.parse('2100-01-01T00:00:00.123Z');
    await database.db.insertInto('installation').values({ id: 1, created_at: instant }).execute();
    const row = await database.db.selectFrom('installation').selectAll().executeTakeFirst();
    expect(row).toEqual({ id: 1, created_at: instant });
  });

  it('counts as numbers', async () => {
    const row = await database.db
      .selectFrom('users')
      .select((select) => select.fn.countAll<number>().as('people'))
      .executeTakeFirst();
    expect(row).toEqual({ people: 0 });
  });

  it('lets nothing refer to a person who is not there', async () => {
    const token = {
      id: '1',
      user_id: 'nobody',
      broker: 'sandbox',
      epoch: 0,
      issued_at: 0,
      expires_at: 0,
      is_revoked: 0 as const,
    };
    await expect(
      database.db
        .insertInto('broker_tokens')
        .values({ ...token, access_token: null, feed_token: null, revoked_at: null, revoke_reason: null })
        .execute(),
    ).rejects.toThrow(/foreign key/i);
  });

  it('says so when it no longer answers', async () => {
    const gone = await open();
    await gone.close();
    await expect(gone.ping()).rejects.toThrow();
  });
});

describe('a SQLite file', () => {
  let directory: ScratchDirectory;
  let file: string;
  beforeEach(() => {
    directory = createScratchDirectory('database');
    file = join(directory.path, 'data', 'curfew.db');
  });
  afterEach(() => directory.remove());

  const open = () => openDatabase({ dialect: 'sqlite', file });

  it('is migrated once when four processes open it at the same moment', async () => {
    const reports = await Promise.all(
      Array.from({ length: 4 }, () => run(process.execPath, [OPENER, `sqlite:${file}`])),
    );
    expect(reports.map(({ stdout }) => stdout)).toEqual(Array(4).fill('open\n'));
    const database = await open();
    expect(await appliedMigrations(database)).toEqual(MIGRATIONS);
    await database.close();
  });

  it('keeps what it holds when it is opened again', async () => {
    const first = await open();
    await first.db.insertInto('installation').values({ id: 1, created_at: 7 }).execute();
    await first.close();
    const second = await open();
    expect(await second.db.selectFrom('installation').selectAll().execute()).toEqual([
      { id: 1, created_at: 7 },
    ]);
    await second.close();
  });

  it('writes ahead, waits for other writers, checks references, and commits to the disk', async () => {
    const database = await open();
    const pragma = async (name: string): Promise<unknown> => {
      const { rows } = await sql<Record<string, unknown>>`pragma ${sql.raw(name)}`.execute(database.db);
      return Object.values(rows[0] ?? {})[0];
    };
    expect(await pragma('journal_mode')).toBe('wal');
    expect(await pragma('foreign_keys')).toBe(1);
    expect(await pragma('synchronous')).toBe(2);
    expect(await pragma('busy_timeout')).toBe(1000);
    await database.close();
  });

  it('lies in a folder for its owner only, which is made where it is missing', async () => {
    const database = await open();
    expect(statSync(join(directory.path, 'data')).mode & 0o777).toBe(0o700);
    await database.close();
  });

  it('is written by two connections in turn without an error', async () => {
    const connections = await Promise.all([open(), open()]);
    await Promise.all(
      Array.from({ length: 100 }, (_, id) =>
        (connections[id % 2] as Database).db
          .insertInto('installation')
          .values({ id, created_at: 0 })
          .execute(),
      ),
    );
    const { rows } = await sql<{ n: number }>`select count(*) as n from installation`.execute(
      (connections[0] as Database).db,
    );
    expect(rows).toEqual([{ n: 100 }]);
    for (const connection of connections) await connection.close();
  });

  it('is not opened when it is something else, and stays as it was', async () => {
    mkdirSync(join(directory.path, 'data'));
    writeFileSync(file, 'this is a letter and no database '.repeat(100));
    const before = statSync(file).size;
    await expect(open()).rejects.toThrow(/not a database/);
    expect(statSync(file).size).toBe(before);
    // Nothing is held back: the next try gets the same answer and does not hang.
    await expect(open()).rejects.toThrow(/not a database/);
  });

  it('is not opened where a folder is in its place', async () => {
    mkdirSync(file, { recursive: true });
    await expect(open()).rejects.toThrow(/unable to open|directory/i);
  });
});

describe('a Postgres database', () => {
  it('is migrated once when four nodes open it at the same moment', async () => {
    const location = await emptyPostgres();
    const nodes = await Promise.all(Array.from({ length: 4 }, () => openDatabase(location)));
    expect(await appliedMigrations(nodes[0] as Database)).toEqual(MIGRATIONS);
    await Promise.all(nodes.map((node) => node.close()));
  });

  it('waits for a node whose migration takes longer than any query may', async () => {
    const location = await emptyPostgres();
    if (location.dialect !== 'postgres') throw new Error('not a Postgres');
    const migrating = new pg.Client({ connectionString: location.url });
    await migrating.connect();
    await migrating.query('begin');
    await migrating.query(`select pg_advisory_xact_lock(${MIGRATION_LOCK})`);
    const opening = openDatabase(location);
    opening.catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 2500));
    await migrating.query('commit');
    await migrating.end();
    const database = await opening;
    expect(await appliedMigrations(database)).toEqual(MIGRATIONS);
    await database.close();
  });

  it('is said not to answer, in words for the operator, when nobody listens there', async () => {
    const port = await findFreePort();
    for (const host of ['127.0.0.1', 'localhost']) {
      const url = `postgres://curfew:hunter2@${host}:${port}/curfew`;
      const startedAt = performance.now();
      const error = await openDatabase({ dialect: 'postgres', url }).catch((caught: unknown) => caught);
      expect(performance.now() - startedAt).toBeLessThan(5000);
      expect(error).toBeInstanceOf(Error);
      expect((error as Error).message).toContain('DATABASE_URL');
      expect((error as Error).message).not.toContain('hunter2');
    }
  });

  it('is said not to be there when the server does not know it', async () => {
    const url = Object.assign(new URL(inject('postgresUrl')), { pathname: '/nowhere' }).toString();
    const error = await openDatabase({ dialect: 'postgres', url }).catch((caught: unknown) => caught);
    expect(String((error as Error).message) + String((error as Error).cause)).toContain('does not exist');
  });

  it('answers again by itself when the server is back', async () => {
    const server = await startPostgres();
    const database = await openDatabase({ dialect: 'postgres', url: server.url });
    await server.kill();
    await expect(database.ping()).rejects.toThrow();
    await server.restart();
    await database.ping();
    server.pause();
    const startedAt = performance.now();
    await expect(database.ping()).rejects.toThrow();
    expect(performance.now() - startedAt).toBeLessThan(2000);
    server.resume();
    await database.ping();
    await database.close();
    await server.stop();
  });

  it('costs one time-out, and not one for each connection, when a firewall has forgotten them all', async () => {
    const direct = new URL(await createDatabase({ url: inject('postgresUrl') }));
    const proxy = await createTcpProxy(Number(direct.port));
    const url = Object.assign(direct, { port: String(proxy.port) }).toString();
    const database = await openDatabase({ dialect: 'postgres', url });
    const slowly = () => sql`select pg_sleep(0.2)`.execute(database.db);
    await Promise.all(Array.from({ length: 8 }, slowly));
    proxy.swallow();
    await proxy.heal();
    await expect(database.ping()).rejects.toThrow('timeout');
    for (let each = 0; each < 8; each += 1) await database.ping();
    await database.close();
    proxy.close();
  });

  it('is held up for seconds, and not for hours, by a row whose holder the network has forgotten', async () => {
    const direct = await createDatabase({ url: inject('postgresUrl') });
    const proxy = await createTcpProxy(Number(new URL(direct).port));
    const url = Object.assign(new URL(direct), { port: String(proxy.port) }).toString();
    const [holder, other] = await Promise.all(
      [url, direct].map((each) => openDatabase({ dialect: 'postgres', url: each })),
    );
    if (holder === undefined || other === undefined) throw new Error('There are two');
    await other.db.insertInto('installation').values({ id: 1, created_at: 0 }).execute();
    const write = (db: Kysely<Schema>, instant: number) =>
      db.updateTable('installation').set({ created_at: instant }).execute();
    const lost = holder.db.transaction().execute(async (transaction) => {
      await write(transaction, 1);
      proxy.swallow();
      await write(transaction, 2);
    });
    await expect(lost).rejects.toThrow('timeout');

    await expect(write(other.db, 3)).rejects.toThrow('statement timeout');
    const waiting = sql<{ pid: number }>`select pid from pg_stat_activity where wait_event_type = 'Lock'`;
    expect((await waiting.execute(other.db)).rows).toEqual([]);
    await expect.poll(() => write(other.db, 4).then(() => 'written', isDatabaseFailure)).toBe('written');
    const row = await other.db.selectFrom('installation').select('created_at').executeTakeFirst();
    expect(row?.created_at).toBe(4);

    await other.close();
    await holder.close();
    proxy.close();
  });
});
