import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createDatabase, type PostgresServer, startPostgres } from './postgres-server.ts';
import { createRedisDatabase, type RedisServer, startRedis } from './redis-server.ts';

describe('the shared servers of a run', () => {
  it('give each test file an empty Redis database of its own', async () => {
    const [first, second] = await Promise.all([freshRedis(), freshRedis()]);
    await first.set('key', 'value');
    expect(await second.get('key')).toBeNull();
    first.disconnect();
    second.disconnect();
  });

  it('give each test file an empty Postgres database of its own', async () => {
    const server = { url: inject('postgresUrl') };
    const [first, second] = await Promise.all([createDatabase(server), createDatabase(server)]);
    await query(first, 'create table mark (id int)');
    expect(await query(second, `select to_regclass('mark') as mark`)).toEqual([{ mark: null }]);
  });
});

describe('a redis-server of its own', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis({ persistent: true });
  });
  afterAll(() => redis.stop());

  it('answers nothing while paused and goes on after', async () => {
    const client = impatientClient(redis);
    await client.set('key', 'value');
    redis.pause();
    await expect(client.get('key')).rejects.toThrow('timed out');
    redis.resume();
    expect(await client.get('key')).toBe('value');
    client.disconnect();
  });

  it('refuses connections after a kill and comes back with its old data', async () => {
    const before = impatientClient(redis);
    await before.set('kept', 'yes');
    before.disconnect();
    await redis.kill();
    const refused = impatientClient(redis);
    await expect(refused.get('kept')).rejects.toThrow();
    refused.disconnect();
    await redis.restart();
    const after = impatientClient(redis);
    expect(await after.get('kept')).toBe('yes');
    after.disconnect();
  });
});

describe('a Postgres of its own', () => {
  let postgres: PostgresServer;
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres.stop());

  it('answers nothing while paused and goes on after', async () => {
    const client = new pg.Client({ connectionString: postgres.url, query_timeout: 200 });
    await client.connect();
    postgres.pause();
    await expect(client.query('select 1')).rejects.toThrow('timeout');
    postgres.resume();
    expect(await query(postgres.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await client.end();
  });

  it('refuses connections after a kill and comes back with its old data', async () => {
    await query(postgres.url, 'create table kept (id int)');
    await postgres.kill();
    await expect(query(postgres.url, 'select 1')).rejects.toThrow('ECONNREFUSED');
    await postgres.restart();
    expect(await query(postgres.url, 'select * from kept')).toEqual([]);
  });
});

async function freshRedis(): Promise<Redis> {
  return new Redis(await createRedisDatabase({ url: inject('redisUrl') }));
}

function impatientClient({ url }: RedisServer): Redis {
  const client = new Redis(url, { commandTimeout: 200, maxRetriesPerRequest: 0 });
  client.on('error', () => undefined);
  return client;
}

async function query(connectionString: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  const { rows } = await client.query(sql).finally(() => client.end());
  return rows;
}
