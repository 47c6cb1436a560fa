import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { PriceFeed } from '../../src/core/price-feed.ts';
import { createStreamQuota } from '../../src/feed/prices/stream-quota.ts';
import { createUserQuota } from '../../src/feed/user-quota.ts';
import { connectRedis, createRedis, type RedisClient } from '../../src/storage/redis.ts';
import { parseRedisLocation } from '../../src/storage/redis-location.ts';
import { createRedisDatabase } from '../support/redis-server.ts';
import { createSettableClock } from '../support/settable-clock.ts';

const unused = () => expect.fail('No stream is opened here');
const FEED: PriceFeed = { mostInstruments: 3, instruments: 'own', keyOf: unused, connect: unused };

describe.each(['in memory', 'in Redis'])('What a broker takes on one stream, counted %s', (place) => {
  let redis: RedisClient | undefined;
  const clock = createSettableClock('2026-11-23T10:00:00+05:30');

  beforeAll(async () => {
    if (place === 'in memory') return;
    const location = parseRedisLocation(await createRedisDatabase({ url: inject('redisUrl') }));
    if (location === undefined) throw new Error('No Redis');
    redis = createRedis({ location, onError: () => undefined });
    await connectRedis(redis);
  });
  afterAll(() => redis?.disconnect());

  /** With what is read on it, by user and broker. */
  function createNode(mostSubscriptions = 10) {
    const read = new Map<string, Set<string>>();
    const of = (user: string, broker: string): Set<string> => {
      const keys = read.get(`${user} ${broker}`) ?? new Set();
      read.set(`${user} ${broker}`, keys);
      return keys;
    };
    const quota = createStreamQuota({
      feeds: new Map([
        ['upstox', FEED],
        ['dhan', FEED],
      ]),
      upstreams: {
        find: (user, broker) =>
          ({
            sizeWith: (keys: readonly string[]) => new Set([...of(user, broker), ...keys]).size,
          }) as never,
      },
      mostSubscriptions,
      createQuota: (broker, most) => createUserQuota({ name: `instruments:${broker}`, most, redis, clock }),
    });
    const put = (user: string, keys: readonly string[], broker = 'upstox'): Promise<boolean> =>
      quota.admit(user, broker, keys, () => {
        for (const key of keys) of(user, broker).add(key);
      });
    function leave(user: string, keys: readonly string[]): Promise<void> {
      for (const key of keys) of(user, 'upstox').delete(key);
      return quota.settle(user, 'upstox');
    }
    return { put, leave };
  }

  it('is counted by instruments, each once, of one user and broker', async () => {
    const { put, leave } = createNode();
    expect(await put('asha', ['1', '2'])).toBe(true);
    expect(await put('asha', ['2', '1', '3'])).toBe(true);
    expect(await put('asha', ['4'])).toBe(false);
    expect(await put('asha', ['4'], 'dhan')).toBe(true);
    expect(await put('ravi', ['4', '5', '6'])).toBe(true);
    await leave('asha', ['1']);
    expect(await put('asha', ['4'])).toBe(true);
    await leave('asha', ['2', '3', '4']);
    expect(await put('asha', ['7', '8', '9'])).toBe(true);
  });

  it('is not passed by two sockets that ask at once', async () => {
    const { put } = createNode();
    const admitted = await Promise.all([put('meera', ['1', '2']), put('meera', ['3', '4'])]);
    expect(admitted.filter(Boolean)).toHaveLength(1);
  });

  it('is not counted where a user may have no more subscriptions than that', async () => {
    const { put } = createNode(3);
    expect(await put('kabir', ['1', '2', '3', '4'])).toBe(true);
  });

  // In memory there is one node.
  if (place === 'in memory') return;

  it('is that of all nodes together', async () => {
    const [first, second] = [createNode(), createNode()];
    expect(await first.put('zoya', ['1', '2'])).toBe(true);
    expect(await second.put('zoya', ['3', '4'])).toBe(false);
    expect(await second.put('zoya', ['3'])).toBe(true);
    await first.leave('zoya', ['1', '2']);
    expect(await second.put('zoya', ['4', '5'])).toBe(true);
  });
});
