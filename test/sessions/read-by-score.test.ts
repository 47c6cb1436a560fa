import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { readByScore } from '../../src/sessions/redis/read-by-score.ts';
import type { RedisClient } from '../../src/storage/redis.ts';
import { connectTo } from '../storage/redis-clients.ts';
import { createRedisDatabase } from '../support/redis-server.ts';

const KEY = 'curfew:test:scores';
const BATCH = 10;
const MEMBERS = 200;

describe('Reading a sorted set in batches', () => {
  let redis: RedisClient;
  beforeEach(async () => {
    redis = await connectTo(await createRedisDatabase({ url: inject('redisUrl') }));
  });
  afterEach(() => redis.disconnect());

  const nameOf = (index: number): string => `m${String(index).padStart(4, '0')}`;
  const names = (from: number, to: number): readonly string[] =>
    Array.from({ length: to - from }, (_, index) => nameOf(from + index));

  async function add(members: readonly string[], score: number): Promise<void> {
    await redis.zadd(KEY, ...members.flatMap((member) => [score, member]));
  }

  /** Everything in the order in which it comes; `meanwhile` gets what was read so far, and may change the set. */
  async function readAll(
    meanwhile: (read: readonly string[]) => Promise<unknown> = async () => undefined,
  ): Promise<readonly string[]> {
    const read: string[] = [];
    for await (const batch of readByScore(redis, KEY, BATCH)) {
      read.push(...batch.map(([member]) => member));
      await meanwhile(read);
    }
    return read;
  }

  it('brings everybody once, where many have the same score and others have not', async () => {
    await add(names(0, 3), 1);
    await add(names(3, 150), 2);
    await add(names(150, MEMBERS), 3);
    expect(await readAll()).toEqual(names(0, MEMBERS));
  });

  it.each([
    ['the last that was read', (read: readonly string[]) => read.slice(-1)],
    ['all that were read', (read: readonly string[]) => read],
    ['the first that were read', (read: readonly string[]) => read.slice(0, 5)],
    ['every other one', (read: readonly string[]) => read.filter((_, index) => index % 2 === 1)],
  ])('passes over nobody when meanwhile %s leave', async (_who, leaving) => {
    await add(names(0, MEMBERS), 1);
    const read = await readAll((soFar) => redis.zrem(KEY, ...leaving(soFar)));
    expect(read).toEqual(names(0, MEMBERS));
  });

  it('passes over nobody who stays when many leave between asking for a place and reading there', async () => {
    await add(names(0, MEMBERS), 1);
    const { zrank } = redis;
    let soFar: readonly string[] = [];
    let left = 0;
    redis.zrank = (async (key: string, member: string) => {
      const rank = await zrank.call(redis, key, member);
      if (left === 0 && soFar.length >= 100) left = await redis.zrem(KEY, ...soFar.slice(0, 90));
      return rank;
    }) as typeof redis.zrank;
    const read = await readAll(async (own) => {
      soFar = own;
    });
    expect(left).toBe(90);
    expect(read).toEqual(names(0, MEMBERS));
  });
});
