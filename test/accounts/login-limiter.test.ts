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
    limiter = createLoginLimiter({ limits, redis });
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
    expect(admissions.filter((admission) => admission.kind === 'taken')).toHaveLength(50);
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

  it('takes nothing from an address for what an exhausted account refused', async () => {
    await Promise.all(
      Array.from({ length: 50 }, (_, i) => limiter.admit({ ...stranger, address: `198.51.100.${i}` })),
    );
    expect((await admitMany(6, stranger)).every((admission) => admission.kind === 'limited')).toBe(true);
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

async function giveBack(admission: Admission): Promise<void> {
  if (admission.kind === 'taken') await admission.giveBack();
}
