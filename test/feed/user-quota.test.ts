import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createUserQuota } from '../../src/feed/user-quota.ts';
import { connectRedis, createRedis, type RedisClient } from '../../src/storage/redis.ts';
import { parseRedisLocation } from '../../src/storage/redis-location.ts';
import { createRedisDatabase } from '../support/redis-server.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';

const holderOf = (userId: string) => ({ owner: { userId } });

async function connect(): Promise<RedisClient> {
  const location = parseRedisLocation(await createRedisDatabase({ url: inject('redisUrl') }));
  if (location === undefined) throw new Error('No Redis');
  const redis = createRedis({ location, onError: () => undefined });
  await connectRedis(redis);
  return redis;
}

describe.each(['in memory', 'in Redis'])('What a user may have, %s', (place) => {
  let redis: RedisClient | undefined;
  let clock: SettableClock;

  beforeAll(async () => {
    clock = createSettableClock('2026-11-23T10:00:00+05:30');
    if (place === 'in Redis') redis = await connect();
  });
  afterAll(() => redis?.disconnect());

  const createQuota = () => createUserQuota({ name: 'subscriptions', most: 10, redis, clock });

  it('is that of all sockets together, and what was refused has changed nothing', async () => {
    const quota = createQuota();
    const [first, second, stranger] = [holderOf('asha'), holderOf('asha'), holderOf('ravi')];
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
    const [first, second] = [holderOf('meera'), holderOf('meera')];
    await quota.set(first, 10);
    expect(await quota.set(second, 0)).toBe(true);
    expect(await quota.set(first, 9)).toBe(true);
    for (const each of [first, second]) await quota.release(each);
  });

  it('is counted apart for sockets and for subscriptions', async () => {
    const seats = createUserQuota({ name: 'open-sockets', most: 2, redis, clock });
    const quota = createQuota();
    const [first, second, third] = [holderOf('kabir'), holderOf('kabir'), holderOf('kabir')];
    expect(await quota.set(first, 10)).toBe(true);
    expect(await seats.set(first, 1)).toBe(true);
    expect(await seats.set(second, 1)).toBe(true);
    expect(await seats.set(third, 1)).toBe(false);
    await seats.release(third);
    await seats.release(first);
    expect(await seats.set(third, 1)).toBe(true);
    expect(await quota.set(second, 1)).toBe(false);
    for (const each of [second, third]) await seats.release(each);
    for (const each of [first, second]) await quota.release(each);
  });
});

describe('What a user may have over nodes', () => {
  let redis: RedisClient;
  let clock: SettableClock;

  beforeAll(async () => {
    clock = createSettableClock('2026-11-23T10:00:00+05:30');
    redis = await connect();
  });
  afterAll(() => redis.disconnect());

  const createQuota = () => createUserQuota({ name: 'subscriptions', most: 10, redis, clock });

  it('does not count again what was released during a renewal', async () => {
    const quota = createQuota();
    const sockets = Array.from({ length: 501 }, (_, index) => holderOf(`user-${index}`));
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
    await dead.set(holderOf('kiran'), 6);
    const socket = holderOf('kiran');
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
