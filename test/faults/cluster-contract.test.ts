import { Cluster } from 'ioredis';
import { afterAll, beforeAll, vi } from 'vitest';
import type { Clock } from '../../src/core/clock.ts';
import type { SessionPolicy } from '../../src/core/session-policy.ts';
import { connectRedis, createRedis } from '../../src/storage/redis.ts';
import { onRedis, type SessionRig } from '../sessions/session-rigs.ts';
import { type RedisCluster, startRedisCluster } from './support/redis-cluster.ts';

/** The contract that every place for sessions keeps, held against a Cluster: no command may name keys of two slots. */
const servers: RedisCluster[] = [];

beforeAll(async () => {
  servers.push(await startRedisCluster());
});
afterAll(async () => {
  await Promise.all(servers.map((cluster) => cluster.stop()));
});

async function openOnCluster(clock: Clock, policy?: SessionPolicy): Promise<SessionRig> {
  const urls = servers.flatMap((cluster) => cluster.masters.map(({ url }) => url));
  const redis = createRedis({ location: { kind: 'cluster', urls }, onError: () => undefined });
  await connectRedis(redis);
  if (redis instanceof Cluster) await Promise.all(redis.nodes('master').map((master) => master.flushall()));
  return onRedis(redis, clock, policy);
}

vi.mock('../sessions/session-rigs.ts', async (importOriginal) => ({
  ...(await importOriginal<typeof import('../sessions/session-rigs.ts')>()),
  SESSION_RIGS: [['a Redis Cluster', openOnCluster]],
}));

await import('../sessions/session-storage.test.ts');
