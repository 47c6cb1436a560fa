import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBatchedLimiter } from '../../src/http/batched-limiter.ts';
import { createRedisTally } from '../../src/http/redis-counter.ts';
import { connectRedis, createRedis, type RedisClient } from '../../src/storage/redis.ts';
import { type RedisCluster, startRedisCluster } from './support/redis-cluster.ts';

describe('limits that compare notes over a Redis Cluster', () => {
  let cluster: RedisCluster;
  const clients: RedisClient[] = [];
  beforeAll(async () => {
    cluster = await startRedisCluster();
  });
  afterAll(async () => {
    for (const client of clients) client.disconnect();
    await cluster.stop();
  });

  async function node() {
    const urls = cluster.masters.map(({ url }) => url);
    const redis = createRedis({ location: { kind: 'cluster', urls }, onError: () => undefined });
    await connectRedis(redis);
    clients.push(redis);
    const tallyOf = () => createRedisTally(redis, 'curfew:rl:pages:100/60s');
    return createBatchedLimiter({ limits: [{ points: 100, durationSeconds: 60 }], tallyOf });
  }

  test('count people of every slot together, told in one go', async () => {
    const [one, other] = [await node(), await node()];
    const people = Array.from({ length: 60 }, (_, each) => `person-${each}`);
    for (const person of people) for (let each = 0; each < 7; each += 1) one.take(person);
    await one.compare();
    for (const person of people) other.take(person);
    await other.compare();
    for (const person of people) expect(other.take(person).standings[0]).toMatchObject({ remaining: 91 });
  });
});
