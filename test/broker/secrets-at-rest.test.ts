import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { sql } from 'kysely';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { HOUR_MS, MINUTE_MS } from '../../src/core/duration.ts';
import { createDatabase } from '../support/postgres-server.ts';
import { createRedisDatabase } from '../support/redis-server.ts';
import { createScratchDirectory } from '../support/scratch-directory.ts';
import { createSettableClock } from '../support/settable-clock.ts';
import { startTestServer, TEST_SECRETS, type TestServer } from '../support/test-server.ts';
import { createVisitor, PERSON, setUp, signIn } from '../support/visitor.ts';
import { MORNING } from './broker-world.ts';
import { connectFake, createFakeBroker, goToFakeBroker } from './fake-broker.ts';

const KEYS = { apiKey: 'marker-of-the-api-key', apiSecret: 'marker-of-the-api-secret' };
/** Everything secret that goes through the server in the journey below. */
const SECRETS = [
  PERSON.password,
  ...Object.values(KEYS),
  ...Object.values(TEST_SECRETS),
  'marker-of-the-access-token',
  'marker-of-the-feed-token',
  'marker-of-the-refresh-token',
];

describe('After a whole journey', () => {
  let server: TestServer;
  afterEach(() => server.close());

  /** Keys entered, connected, refreshed, connected again, a logout queued, a callback under way; returns its state. */
  async function journey(env: Record<string, string>): Promise<string> {
    const clock = createSettableClock(MORNING);
    let tokens = 0;
    const grant = () => {
      tokens += 1;
      return {
        kind: 'granted',
        accessToken: `marker-of-the-access-token-${tokens}`,
        feedToken: `marker-of-the-feed-token-${tokens}`,
        refreshToken: `marker-of-the-refresh-token-${tokens}`,
        expiresAt: clock.now() + HOUR_MS,
      } as const;
    };
    const broker = createFakeBroker(clock, {
      credentialFields: [
        { name: 'apiKey', label: 'API key', secret: false },
        { name: 'apiSecret', label: 'API secret', secret: true },
      ],
      exchange: async () => grant(),
      refresh: async () => grant(),
    });
    broker.onRevoke = async () => ({ kind: 'unreachable', why: 'network' });
    server = await startTestServer({
      clock,
      env: { ...env, SESSION_IDLE_TIMEOUT: 'off' },
      adapters: [broker.adapter],
    });
    const { brokers } = server.services;
    const visitor = createVisitor(server.origin);
    await setUp(visitor);
    await signIn(visitor);
    await visitor.submit('/broker/fake/credentials', KEYS);
    await connectFake(visitor);
    const user = await server.ports.database.db.selectFrom('users').select('id').executeTakeFirstOrThrow();
    await brokers.reader.accessToken(user.id, 'fake');
    await brokers.reader.feedToken(user.id, 'fake');
    clock.advance(58 * MINUTE_MS);
    expect(await brokers.refresher.run()).toMatchObject({ refreshed: 1 });
    await connectFake(visitor);
    expect(await brokers.logoutQueue.drain()).toMatchObject({ postponed: 1 });
    const reading = await brokers.reader.requireAccessToken(user.id, 'fake');
    expect(reading.token).toContain('marker-of-the-access-token');
    await visitor.get('/dashboard');
    const callback = await goToFakeBroker(visitor);
    return new URL(callback, server.origin).searchParams.get('state') ?? '';
  }

  async function dumpTables(): Promise<string> {
    const { db } = server.ports.database;
    const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
    const dumps = await Promise.all(
      tables.map(async ({ name }) =>
        JSON.stringify((await sql`select * from ${sql.table(name)}`.execute(db)).rows),
      ),
    );
    return dumps.join('\n');
  }

  function expectNoSecret(dump: string, state: string): void {
    for (const secret of [...SECRETS, state]) expect(dump.includes(secret), secret).toBe(false);
  }

  it('the database file holds no secret in clear, nor do its journal and the log', async () => {
    const scratch = createScratchDirectory('secrets');
    try {
      const state = await journey({ DATABASE_URL: `sqlite:${join(scratch.path, 'curfew.db')}` });
      expect(state).toHaveLength(43);
      const dump = await dumpTables();
      // The dump does see what is there: or it would prove nothing.
      expect(dump).toContain('"field":"apiSecret"');
      expect(dump).toContain('gAAAAA');
      expectNoSecret(dump, state);
      const files = readdirSync(scratch.path).filter((name) => name.startsWith('curfew.db'));
      expect(files).toContain('curfew.db-wal');
      const bytes = files.map((name) => readFileSync(join(scratch.path, name), 'latin1')).join('');
      expect(bytes).toContain('apiSecret');
      expectNoSecret(bytes, state);
      expectNoSecret(server.logText(), state);
    } finally {
      scratch.remove();
    }
  });

  it('Postgres and Redis hold no secret in clear', async () => {
    const redisUrl = await createRedisDatabase({ url: inject('redisUrl') });
    const state = await journey({
      DATABASE_URL: await createDatabase({ url: inject('postgresUrl') }),
      REDIS_URL: redisUrl,
    });
    const dump = await dumpTables();
    expect(dump).toContain('"field":"apiSecret"');
    expectNoSecret(dump, state);

    const redis = new Redis(redisUrl);
    try {
      const keys = await redis.keys('*');
      const dumps = await Promise.all(keys.map((key) => redis.dumpBuffer(key)));
      const text = dumps.map((each) => each?.toString('latin1')).join('\n');
      expect(keys.some((key) => key.startsWith('curfew:sess:'))).toBe(true);
      expect(text).toContain('userId');
      expectNoSecret(keys.join('\n') + text, state);
    } finally {
      redis.disconnect();
    }
  });
});
