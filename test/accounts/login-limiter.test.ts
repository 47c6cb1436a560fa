import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import {
  type Admission,
  createLoginLimiter,
  type LoginAttempt,
  type LoginLimiter,
} from '../../src/accounts/login-limiter.ts';
import { connectRedis, createRedis, type RedisClient } from '../../src/storage/redis.ts';
import { createRedisDatabase } from '../support/redis-server.ts';

const limits = [
  { points: 5, durationSeconds: 60 },
  { points: 25, durationSeconds: 3600 },
];
const stranger: LoginAttempt = { address: '203.0.113.9', usernameKey: 'asha', device: undefined };

describe.each(['memory', 'Redis'])('the login limiter in %s', (where) => {
  let redis: RedisClient | undefined;
  let limiter: LoginLimiter;

  beforeAll(async () => {
    if (where === 'memory') return;
    const url = await createRedisDatabase({ url: inject('redisUrl') });
    redis = createRedis({ location: { kind: 'single', url }, onError: () => undefined });
    await connectRedis(redis);
  });
  beforeEach(async () => {
    await redis?.flushdb();
    limiter = createLoginLimiter({ limits, redis, slowLane: { turnSeconds: 1, mostInLine: 1 } });
  });
  afterAll(() => redis?.disconnect());

  const admitMany = (amount: number, attempt: LoginAttempt) =>
    Promise.all(Array.from({ length: amount }, () => limiter.admit(attempt)));

  it('refuses the sixth attempt of a minute from one address, whomever it names', async () => {
    await admitMany(3, stranger);
    await admitMany(2, { ...stranger, usernameKey: 'nobody' });
    expect(await limiter.admit({ ...stranger, usernameKey: 'ravi' })).toMatchObject({
      kind: 'limited',
      retryAfterSeconds: 60,
    });
  });

  it('counts attempts that are made at the same time', async () => {
    const admissions = await admitMany(10, stranger);
    expect(admissions.filter((admission) => admission.kind === 'taken')).toHaveLength(5);
  });

  it('counts a whole IPv6 /64 as one address', async () => {
    for (let host = 1; host <= 5; host += 1)
      await limiter.admit({ ...stranger, address: `2001:db8:1:2::${host}` });
    expect(await limiter.admit({ ...stranger, address: '2001:db8:1:2:ffff::1' })).toMatchObject({
      kind: 'limited',
    });
    expect(await limiter.admit({ ...stranger, address: '2001:db8:1:3::1' })).toMatchObject({ kind: 'taken' });
  });

  it('slows guessing at one account from many addresses: ten times the limit', async () => {
    const many = Array.from({ length: 55 }, (_, i) =>
      limiter.admit({ ...stranger, address: `198.51.100.${i}` }),
    );
    const admissions = await Promise.all(many);
    expect(admissions.filter((admission) => laneOf(admission) === 'new')).toHaveLength(50);
    expect(admissions.filter((admission) => laneOf(admission) === 'slow')).toHaveLength(1);
    expect(await limiter.admit({ ...stranger, address: '192.0.2.1', usernameKey: 'ravi' })).toMatchObject({
      kind: 'taken',
    });
  });

  it('does not let strangers lock an owner out of a device that signed in before', async () => {
    await Promise.all(
      Array.from({ length: 60 }, (_, i) => limiter.admit({ ...stranger, address: `198.51.100.${i}` })),
    );
    await admitMany(6, { ...stranger, usernameKey: 'someone' });
    expect(await limiter.admit({ ...stranger, device: 'the owner’s' })).toMatchObject({ kind: 'taken' });
  });

  it('limits a known device by itself', async () => {
    await admitMany(5, { ...stranger, device: 'one' });
    expect(await limiter.admit({ ...stranger, device: 'one' })).toMatchObject({ kind: 'limited' });
    expect(await limiter.admit({ ...stranger, device: 'two' })).toMatchObject({ kind: 'taken' });
    expect(await limiter.admit(stranger)).toMatchObject({ kind: 'taken' });
  });

  it('has every point again that was given back', async () => {
    const admissions = await admitMany(5, stranger);
    await Promise.all(admissions.map(giveBack));
    expect((await admitMany(5, stranger)).every((admission) => admission.kind === 'taken')).toBe(true);
  });

  const exhaustAccount = () =>
    Promise.all(
      Array.from({ length: 50 }, (_, i) => limiter.admit({ ...stranger, address: `198.51.100.${i}` })),
    );

  it('lets an address that has not failed through to an account that strangers have used up', async () => {
    await exhaustAccount();
    const admission = await limiter.admit(stranger);
    expect(laneOf(admission)).toBe('slow');
  });

  it('refuses an address that is over its own limit, also in the slow lane', async () => {
    await exhaustAccount();
    await admitMany(5, { ...stranger, usernameKey: 'ravi' });
    expect(await limiter.admit(stranger)).toMatchObject({ kind: 'limited' });
  });

  it('gives strangers one attempt in each turn, however many come', async () => {
    await exhaustAccount();
    const startedAt = performance.now();
    let slow = 0;
    while (performance.now() - startedAt < 2500) {
      const admissions = await Promise.all(
        Array.from({ length: 20 }, (_, i) => limiter.admit({ ...stranger, address: `192.0.2.${i}` })),
      );
      slow += admissions.filter((admission) => laneOf(admission) === 'slow').length;
    }
    expect(slow).toBeGreaterThanOrEqual(2);
    expect(slow).toBeLessThanOrEqual(1 + (performance.now() - startedAt) / 1000);
  });

  it('takes ten times the limit from an IPv6 /48, however many of its networks are used', async () => {
    const rotating = Array.from({ length: 60 }, (_, i) =>
      limiter.admit({ address: `2001:db8:1:${i}::1`, usernameKey: `guess${i}`, device: undefined }),
    );
    const lanes = (await Promise.all(rotating)).map(laneOf);
    expect(lanes.filter((lane) => lane === 'new')).toHaveLength(50);
    expect(lanes.filter((lane) => lane === 'slow').length).toBeLessThanOrEqual(5);
    const elsewhere = await limiter.admit({ ...stranger, address: '2001:db8:2::1' });
    expect(laneOf(elsewhere)).toBe('new');
    expect(laneOf(await limiter.admit(stranger))).toBe('new');
  });

  it('takes nothing from an address for what the slow lane refused', async () => {
    await exhaustAccount();
    const admissions = await admitMany(6, stranger);
    expect(admissions.filter((admission) => admission.kind === 'taken')).toHaveLength(1);
    await Promise.all(admissions.map(giveBack));
    expect((await admitMany(5, { ...stranger, usernameKey: 'ravi' })).map(({ kind }) => kind)).not.toContain(
      'limited',
    );
  });

  it('wants the first refusal of a window recorded, and not the flood after it', async () => {
    await admitMany(5, stranger);
    const refusals = await admitMany(4, stranger);
    expect(refusals.filter((refusal) => refusal.kind === 'limited' && refusal.worthRecording)).toHaveLength(
      1,
    );
  });
});

const laneOf = (admission: Admission): string =>
  admission.kind === 'taken' ? admission.lane : admission.kind;

async function giveBack(admission: Admission): Promise<void> {
  if (admission.kind === 'taken') await admission.giveBack();
}
