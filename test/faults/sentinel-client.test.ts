import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectRedis, createRedis, type RedisClient } from '../../src/storage/redis.ts';
import { parseRedisLocation } from '../../src/storage/redis-location.ts';
import { timeUntil } from '../support/eventually.ts';
import { type RedisWithSentinel, startRedisWithSentinel } from './support/redis-sentinel.ts';

let servers: RedisWithSentinel;
let client: RedisClient;

beforeAll(async () => {
  servers = await startRedisWithSentinel();
  const location = parseRedisLocation(servers.url);
  if (location === undefined) throw new Error('No Redis');
  client = createRedis({ location, onError: () => undefined });
  await connectRedis(client);
});
afterAll(async () => {
  client.disconnect();
  await servers.stop();
});

const untilEnded = () => new Promise<void>((resolve) => client.once('end', () => resolve()));
const answers = async (): Promise<boolean> => (await client.ping().catch(() => '')) === 'PONG';

test('a client goes on where a failover is announced while it looks for the master', async () => {
  const ended = untilEnded();
  // As the detector of failovers does it.
  client.once('connecting', () => {
    (client as unknown as { connector: { disconnect(): void } }).connector.disconnect();
  });
  client.disconnect(true);
  await ended;
  await timeUntil('Redis answers again', answers, { withinMs: 10_000 });
});

test('a client that was closed stays closed', async () => {
  const ended = untilEnded();
  client.disconnect();
  await ended;
  await sleep(1500);
  expect([client.status, await answers()]).toEqual(['end', false]);
});
