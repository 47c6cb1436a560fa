import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createSubscriptionQuota } from '../../src/feed/prices/subscription-quota.ts';
import { connectRedis, createRedis, type RedisClient } from '../../src/storage/redis.ts';
import { parseRedisLocation } from '../../src/storage/redis-location.ts';
import { createRedisDatabase } from '../support/redis-server.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';

const subscriber = (userId: string) => ({ owner: { userId } });

async function connect(): Promise<RedisClient> {
  const location = parseRedisLocation(await createRedisDatabase({ url: inject('redisUrl') }));
  if (location === undefined) throw new Error('No Redis');
  const redis = createRedis({ location, onError: () => undefined });
  await connectRedis(redis);
  return redis;
}

describe.each(['in memory', 'in Redis'])('The number of subscriptions of a user, %s', (place) => {
  let redis: RedisClient | undefined;
  let clock: SettableClock;

  beforeAll(async () => {
    clock = createSettableClock('2026-11-23T10:00:00+05:30');
    if (place === 'in Redis') redis = await connect();
  });
  afterAll(() => redis?.disconnect());

  const createQuota = () => createSubscriptionQuota({ mostSubscriptions: 10, redis, clock });

  it('is that of all sockets together, and what was refused has changed nothing', async () => {
    const quota = createQuota();
    const [first, second, stranger] = [subscriber('asha'), subscriber('asha'), subscriber('ravi')];
    expect(await quota.set(first, 6)).toBe(true);
    expect(await quota.set(second, 5)).toBe(false);
    expect(await quota.set(second, 4)).toBe(true);
    expect(await quota.set(stranger, 10)).toBe(true);
    expect(await quota.set(first, 7)).toBe(false);
    expect(await quota.set(first, 5)).toBe(true);
    expect(await quota.set(second, 5)).toBe(true);
    for (const each of [first, second, stranger]) await quota.release(each);
    expect(await quota.set(first, 10)).toBe(true);
    await quota.release(first);
  });

  it('may always become smaller', async () => {
    const quota = createQuota();
    const [first, second] = [subscriber('meera'), subscriber('meera')];
    await quota.set(first, 10);
    expect(await quota.set(second, 0)).toBe(true);
    expect(await quota.set(first, 9)).toBe(true);
    for (const each of [first, second]) await quota.release(each);
  });
});

describe('The number of subscriptions of a user over nodes', () => {
  let redis: RedisClient;
  let clock: SettableClock;

  beforeAll(async () => {
    clock = createSettableClock('2026-11-23T10:00:00+05:30');
    redis = await connect();
  });
  afterAll(() => redis.disconnect());

  const createQuota = () => createSubscriptionQuota({ mostSubscriptions: 10, redis, clock });

  it('does not count again what was released during a renewal', async () => {
    const quota = createQuota();
    const sockets = Array.from({ length: 501 }, (_, index) => subscriber(`user-${index}`));
    await Promise.all(sockets.map((socket) => quota.set(socket, 1)));
    const renewing = quota.renew();
    await Promise.all(sockets.slice(500).map((socket) => quota.release(socket)));
    await renewing;
    expect(await redis.exists('curfew:subscriptions:user-499')).toBe(1);
    expect(await redis.exists('curfew:subscriptions:user-500')).toBe(0);
    await Promise.all(sockets.map((socket) => quota.release(socket)));
  });

  it('is shared by nodes, and one that died counts for a minute', async () => {
    const [dead, alive] = [createQuota(), createQuota()];
    await dead.set(subscriber('kiran'), 6);
    const socket = subscriber('kiran');
    expect(await alive.set(socket, 5)).toBe(false);
    expect(await alive.set(socket, 4)).toBe(true);
    clock.advance(59_000);
    await alive.renew();
    expect(await alive.set(socket, 5)).toBe(false);
    clock.advance(1_000);
    expect(await alive.set(socket, 10)).toBe(true);
    await alive.release(socket);
    expect(await redis.exists('curfew:subscriptions:kiran')).toBe(0);
  });
});
