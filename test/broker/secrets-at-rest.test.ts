import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { sql } from 'kysely';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { MINUTE_MS } from '../../src/core/duration.ts';
import { createPostgresDatabase } from '../support/databases.ts';
import { findBinary } from '../support/find-binary.ts';
import { createRedisDatabase } from '../support/redis-server.ts';
import { createScratchDirectory } from '../support/scratch-directory.ts';
import { createSettableClock } from '../support/settable-clock.ts';
import { startTestServer, TEST_SECRETS, type TestServer } from '../support/test-server.ts';
import { connectSandbox, createVisitor, PERSON, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { MORNING } from './broker-world.ts';
import { pressButton } from './protocol-servers/consent-page.ts';
import {
  type ProtocolBrokers,
  REAL_BROKERS,
  startProtocolBrokers,
} from './protocol-servers/protocol-brokers.ts';

const ALL_BROKERS = ['sandbox', ...REAL_BROKERS] as const;
const CUTOFF = '2026-11-21T03:00:00+05:30';

describe('After a journey with every broker', () => {
  let server: TestServer;
  let brokers: ProtocolBrokers | undefined;
  let visitor: Visitor;
  /** Everything secret that went through the server, whoever made it. */
  let secrets: Set<string>;

  afterEach(async () => {
    await server.close();
    await brokers?.close();
  });

  /**
   * Keys entered, connected, used and renewed, the cutoff, connected again; then, where all of it is at its most: tokens
   * live, logouts waiting that no broker took, and with every broker an authorization under way.
   */
  async function journey(env: Record<string, string>): Promise<void> {
    const clock = createSettableClock(MORNING);
    secrets = new Set([PERSON.password, ...Object.values(TEST_SECRETS)]);
    server = await startTestServer({
      clock,
      env: { ...env, SESSION_IDLE_TIMEOUT: 'off' },
      async adapters(origin) {
        brokers = await startProtocolBrokers(clock, origin);
        return brokers.adapters;
      },
    });
    visitor = createVisitor(server.origin);
    await setUp(visitor);
    await signIn(visitor);
    for (const broker of REAL_BROKERS) {
      const { credentials } = serverOf(broker);
      await visitor.submit(`/broker/${broker}/credentials`, credentials);
      // A client ID is shown: it names the account at the broker.
      for (const [field, value] of Object.entries(credentials)) if (field !== 'clientId') secrets.add(value);
    }
    await connectAll();
    clock.advance(56 * MINUTE_MS);
    expect(await server.services.brokers.refresher.drain()).toMatchObject({ refreshed: 1 });
    await useAll();

    clock.set(CUTOFF);
    await server.services.revocation.sweep.runIfDue();
    await server.services.brokers.logoutQueue.drain();
    await signIn(visitor);
    await connectAll();
    // Once more, and then none of them answers: what was replaced waits for its logout.
    await connectAll();
    for (const broker of ALL_BROKERS) await begin(broker);
    for (const broker of REAL_BROKERS)
      serverOf(broker).answerWith((_req, res) => void res.writeHead(503).end());
    expect(await server.services.brokers.logoutQueue.drain()).toMatchObject({ postponed: 3 });
    for (const each of REAL_BROKERS) for (const secret of serverOf(each).secrets()) secrets.add(secret);
    for (const page of [
      '/dashboard',
      '/broker',
      ...REAL_BROKERS.map((each) => `/broker/${each}/credentials`),
    ])
      expectNoSecret((await visitor.get(page)).text, page);
  }

  function serverOf(broker: (typeof REAL_BROKERS)[number]) {
    if (brokers === undefined) throw new Error('The brokers are not there yet');
    return brokers.servers[broker];
  }

  /** Where the person is sent, with the state remembered. */
  async function begin(broker: string): Promise<URL> {
    const { location } = await visitor.submit(`/broker/${broker}/connection`, {}, '/broker');
    const { searchParams } = new URL(location);
    const carried = new URLSearchParams(searchParams.get('redirect_params') ?? '');
    const state = searchParams.get('state') ?? carried.get('state');
    if (state !== null) secrets.add(state);
    expect(state === null).toBe(broker === 'dhan');
    return new URL(location);
  }

  async function connectAll(): Promise<void> {
    const answer = await connectSandbox(visitor);
    expect(answer.location).toBe('/broker?notice=connected');
    for (const broker of REAL_BROKERS) {
      const { pathname, search } = await pressButton(await begin(broker), 'allow');
      expect((await visitor.get(pathname + search)).location).toBe('/broker?notice=connected');
    }
    await useAll();
  }

  async function useAll(): Promise<void> {
    const { id } = await server.infrastructure.database.db
      .selectFrom('users')
      .select('id')
      .executeTakeFirstOrThrow();
    const { reader } = server.services.brokers;
    for (const broker of ALL_BROKERS) {
      const readings = [await reader.accessToken(id, broker), await reader.feedToken(id, broker)];
      for (const reading of readings) {
        if (reading.kind !== 'token') throw new Error(`${broker}: ${reading.why}`);
        secrets.add(reading.token);
      }
      const [access] = readings;
      if (broker !== 'sandbox' && access?.kind === 'token')
        expect(await serverOf(broker).profileStatus(access.token)).toBe(200);
    }
  }

  function expectNoSecret(dump: string, where: string): void {
    for (const secret of secrets) expect(dump.includes(secret), `${secret} in ${where}`).toBe(false);
    // What the practice broker made and nobody here has seen: codes have no mark of their own.
    expect(dump, where).not.toMatch(/sandbox-(access|feed|refresh)-[\w-]{40}/);
  }

  it('the database file holds no secret in clear, nor do its journal, its tables, the log and the pages', async () => {
    const scratch = createScratchDirectory('secrets');
    try {
      await journey({ DATABASE_URL: `sqlite:${join(scratch.path, 'curfew.db')}` });
      const tables = await dumpTables();
      expectIsTheDump(tables);
      expectNoSecret(tables, 'the tables');
      const files = readdirSync(scratch.path).filter((name) => name.startsWith('curfew.db'));
      expect(files).toContain('curfew.db-wal');
      const bytes = files.map((name) => readFileSync(join(scratch.path, name), 'latin1')).join('');
      expectIsTheDump(bytes);
      expectNoSecret(bytes, 'the files');
      expectNoSecret(server.logText(), 'the log');
    } finally {
      scratch.remove();
    }
  });

  it('dumps of Postgres and Redis hold no secret in clear, nor does the log', async () => {
    const DATABASE_URL = await createPostgresDatabase();
    const REDIS_URL = await createRedisDatabase({ url: inject('redisUrl') });
    await journey({ DATABASE_URL, REDIS_URL });
    const pgDump = findBinary('pg_dump', { debianPackage: 'postgresql-client' });
    const { stdout } = await promisify(execFile)(pgDump, [DATABASE_URL], { maxBuffer: 64 * 1024 * 1024 });
    expectIsTheDump(stdout);
    expectNoSecret(stdout, 'Postgres');

    const redis = await dumpRedis(REDIS_URL);
    expect(redis).toContain('curfew:sess:');
    expect(redis).toContain('userId');
    expectNoSecret(redis, 'Redis');
    expectNoSecret(server.logText(), 'the log');
  });

  /** A dump that did not see what is there would prove nothing. */
  function expectIsTheDump(dump: string): void {
    for (const word of ['apiSecret', 'secretId', 'broker.connected', 'gAAAAA', ...ALL_BROKERS])
      expect(dump).toContain(word);
    // Tokens, waiting logouts, authorizations under way and app keys, all as ciphertexts.
    expect(dump.split('gAAAAA').length).toBeGreaterThan(5 + 3 + 4 + 9);
  }

  async function dumpTables(): Promise<string> {
    const { db } = server.infrastructure.database;
    const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
    const dumps = await Promise.all(
      tables.map(async ({ name }) =>
        JSON.stringify((await sql`select * from ${sql.table(name)}`.execute(db)).rows),
      ),
    );
    return dumps.join('\n');
  }
});

/** Every key and value as it is: DUMP would compress what is long. */
async function dumpRedis(url: string): Promise<string> {
  const redis = new Redis(url);
  try {
    const parts: string[] = [];
    for (const key of await redis.keys('*')) {
      parts.push(key);
      const type = await redis.type(key);
      if (type === 'string') parts.push((await redis.get(key)) ?? '');
      else if (type === 'hash') parts.push(JSON.stringify(await redis.hgetall(key)));
      else if (type === 'zset') parts.push(JSON.stringify(await redis.zrange(key, '0', '-1', 'WITHSCORES')));
      else if (type === 'set') parts.push(JSON.stringify(await redis.smembers(key)));
      else throw new Error(`Nobody has taught this test to read a ${type}`);
    }
    return parts.join('\n');
  } finally {
    redis.disconnect();
  }
}
