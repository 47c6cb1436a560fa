import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { type CompoundLimiter, createCompoundLimiter, type Taking } from '../../src/http/compound-limiter.ts';
import { MOST_KEYS } from '../../src/http/memory-counter.ts';
import { connectRedis, createRedis, type RedisClient } from '../../src/storage/redis.ts';
import { parseRedisLocation } from '../../src/storage/redis-location.ts';
import { createRedisDatabase, startRedis } from '../support/redis-server.ts';

const limits = [
  { points: 5, durationSeconds: 60 },
  { points: 8, durationSeconds: 3600 },
];

async function connect(url: string): Promise<RedisClient> {
  const location = parseRedisLocation(url);
  if (location === undefined) throw new Error(`not a Redis URL: ${url}`);
  const client = createRedis({ location, onError: () => undefined });
  await connectRedis(client);
  return client;
}

async function giveBack(taking: Taking): Promise<void> {
  if (taking.kind === 'taken') await taking.giveBack();
}

describe.each(['memory', 'Redis'])('a compound limiter in %s', (where) => {
  let redis: RedisClient | undefined;
  let limiter: CompoundLimiter;
  let count = 0;

  beforeAll(async () => {
    if (where === 'Redis') redis = await connect(await createRedisDatabase({ url: inject('redisUrl') }));
  });
  beforeEach(() => {
    count += 1;
    limiter = createCompoundLimiter({ name: `test:${count}`, what: 'This', limits, redis });
  });
  afterAll(() => redis?.disconnect());

  const takeMany = (amount: number, key = 'key') =>
    Promise.all(Array.from({ length: amount }, () => limiter.take(key)));

  it('lets the limit through and not one more, also when all come at once', async () => {
    const takings = await takeMany(10);
    expect(takings.filter((taking) => taking.kind === 'taken')).toHaveLength(5);
  });

  it('says in seconds when the window ends', async () => {
    await takeMany(5);
    expect(await limiter.take('key')).toMatchObject({ kind: 'limited', retryAfterSeconds: 60 });
  });

  it('says how much of each limit is left, and counts a refused attempt in none of them', async () => {
    await takeMany(3);
    expect(await limiter.take('key')).toMatchObject({
      standings: [
        { limit: limits[0], remaining: 1, resetSeconds: 60 },
        { limit: limits[1], remaining: 4, resetSeconds: 3600 },
      ],
    });
    await limiter.take('key');
    expect(await limiter.take('key')).toMatchObject({
      kind: 'limited',
      standings: [{ remaining: 0 }, { remaining: 3 }],
    });
  });

  it('counts each key by itself', async () => {
    await takeMany(5, 'one');
    expect(await limiter.take('other')).toMatchObject({ kind: 'taken' });
  });

  it('has the point again that was given back', async () => {
    const takings = await takeMany(5);
    await Promise.all(takings.slice(0, 2).map(giveBack));
    expect((await takeMany(3)).map((taking) => taking.kind)).toEqual(['taken', 'taken', 'limited']);
  });

  it('counts no refused attempt, so that the longer limit is not used up by hammering', async () => {
    const takings = await takeMany(5);
    await takeMany(20);
    await Promise.all(takings.map(giveBack));
    expect((await takeMany(5)).every((taking) => taking.kind === 'taken')).toBe(true);
  });

  it('holds every limit, and names the longest wait', async () => {
    const both = [
      { points: 2, durationSeconds: 60 },
      { points: 2, durationSeconds: 3600 },
    ];
    limiter = createCompoundLimiter({ name: `test:both:${count}`, what: 'This', limits: both, redis });
    await takeMany(2);
    expect(await limiter.take('key')).toMatchObject({ kind: 'limited', retryAfterSeconds: 3600 });
  });

  it('gives no point back into the next window', async () => {
    const short = [{ points: 2, durationSeconds: 1 }];
    limiter = createCompoundLimiter({ name: `test:short:${count}`, what: 'This', limits: short, redis });
    const late = await limiter.take('key');
    await sleep(1100);
    await giveBack(late);
    expect((await takeMany(4)).filter((taking) => taking.kind === 'taken')).toHaveLength(2);
  });
});

describe('the memory of a compound limiter', () => {
  const one = [{ points: 1, durationSeconds: 3600 }];
  let limiter: CompoundLimiter;

  beforeEach(async () => {
    limiter = createCompoundLimiter({ name: 'memory', what: 'This', limits: one });
    await limiter.take('first');
  });

  const takeOthers = async (amount: number): Promise<readonly Taking[]> =>
    Promise.all(Array.from({ length: amount }, (_, each) => limiter.take(`other ${each}`)));

  it('is bounded: of very many keys it forgets the one that was not asked for the longest', async () => {
    await takeOthers(MOST_KEYS - 1);
    expect((await limiter.take('first')).kind).toBe('limited');
    await takeOthers(MOST_KEYS);
    expect((await limiter.take('first')).kind).toBe('taken');
  });

  it('is not filled by attempts that do not count, however many', async () => {
    for (let each = 0; each < 2 * MOST_KEYS; each += 1) await giveBack(await limiter.take(`other ${each}`));
    expect((await limiter.take('first')).kind).toBe('limited');
  });
});

describe('a compound limiter on Redis', () => {
  it('leaves nothing behind of attempts that do not count', async () => {
    const redis = await connect(await createRedisDatabase({ url: inject('redisUrl') }));
    const limiter = createCompoundLimiter({ name: 'login:account', what: 'This', limits, redis });
    for (let each = 0; each < 20; each += 1) await giveBack(await limiter.take(`key ${each}`));
    expect(await redis.keys('*')).toEqual([]);
    const kept = await limiter.take('key');
    await giveBack(await limiter.take('key'));
    expect(await redis.keys('*')).toHaveLength(2);
    await giveBack(kept);
    expect(await redis.keys('*')).toEqual([]);
    redis.disconnect();
  });

  it('keeps its counts under curfew:rl: with the end of the window as their end', async () => {
    const redis = await connect(await createRedisDatabase({ url: inject('redisUrl') }));
    const limiter = createCompoundLimiter({ name: 'login:address', what: 'This', limits, redis });
    await limiter.take('192.0.2.7');
    const keys = await redis.keys('*');
    expect(keys.sort()).toEqual([
      'curfew:rl:login:address:5/60s:192.0.2.7',
      'curfew:rl:login:address:8/3600s:192.0.2.7',
    ]);
    expect(await redis.ttl(keys[0] ?? '')).toBeGreaterThan(55);
    redis.disconnect();
  });

  it('is one count for all nodes', async () => {
    const url = await createRedisDatabase({ url: inject('redisUrl') });
    const nodes = await Promise.all([connect(url), connect(url)]);
    const limiters = nodes.map((redis) =>
      createCompoundLimiter({ name: 'shared', what: 'This', limits, redis }),
    );
    const takings = await Promise.all(
      Array.from({ length: 5 }, () => limiters.map((limiter) => limiter.take('key'))).flat(),
    );
    expect(takings.filter((taking) => taking.kind === 'taken')).toHaveLength(5);
    for (const redis of nodes) redis.disconnect();
  });

  it('is unavailable while Redis does not answer, and lets nobody through', async () => {
    const server = await startRedis();
    const redis = await connect(server.url);
    const limiter = createCompoundLimiter({ name: 'down', what: 'Sign-in', limits, redis });
    const taken = await limiter.take('key');

    server.pause();
    await expect(limiter.take('key')).rejects.toMatchObject({ code: 'unavailable', retryAfterSeconds: 5 });
    await giveBack(taken);
    server.resume();
    await server.kill();
    await expect(limiter.take('key')).rejects.toMatchObject({
      code: 'unavailable',
      message: 'Sign-in is not available right now. Nothing was lost: try again in a moment.',
    });
    redis.disconnect();
    await server.stop();
  });
});
