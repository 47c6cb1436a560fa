import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { newSignedInSessionId } from '../../src/sessions/session-id.ts';
import type { SessionStorage } from '../../src/sessions/session-storage.ts';
import { connectTo } from '../storage/redis-clients.ts';
import { eventually } from '../support/eventually.ts';
import { createRedisDatabase, startRedis } from '../support/redis-server.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { onRedis, type SessionRig, USUAL_POLICY } from './session-rigs.ts';
import { destroySession, loadBody, putSession, saveBody, sessionBody } from './stored-sessions.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** What may have passed on the real clock between a command and the look at its result. */
const SLACK_MS = 5 * SECOND_MS;

describe('sessions in Redis', () => {
  let clock: SettableClock;
  let rig: SessionRig;
  let storage: SessionStorage;
  let redis: Redis;

  beforeEach(async () => {
    const url = await createRedisDatabase({ url: inject('redisUrl') });
    redis = new Redis(url);
    clock = createSettableClock('2026-11-23T10:00:00+05:30');
    rig = onRedis(await connectTo(url), clock);
    ({ storage } = rig);
  });
  afterEach(async () => {
    await rig.close();
    redis.disconnect();
  });

  const signIn = (userId = 'asha') => putSession(storage, { userId, loginTime: clock.now() });
  const pttl = (sid: string) => redis.pttl(`curfew:sess:${sid}`);

  async function expectLifetime(sid: string, expectedMs: number): Promise<void> {
    const left = await pttl(sid);
    expect(left).toBeLessThanOrEqual(expectedMs);
    expect(left).toBeGreaterThan(expectedMs - SLACK_MS);
  }

  describe('are kept as the contract says', () => {
    it('under keys that begin with curfew:, whatever happens to them', async () => {
      const sid = await signIn();
      await loadBody(storage, sid);
      await storage.registry.end([await signIn()], 'logged_out');
      const keys = await redis.keys('*');
      expect(keys).toContain(`curfew:sess:${sid}`);
      expect(keys.filter((key) => !key.startsWith('curfew:'))).toEqual([]);
    });

    it('as JSON with the user and the login time in Indian time', async () => {
      const sid = await signIn();
      const body: unknown = JSON.parse((await redis.get(`curfew:sess:${sid}`)) ?? '');
      expect(body).toMatchObject({ userId: 'asha', loginTime: '2026-11-23T10:00:00.000+05:30' });
    });

    it('under an id of 192 random bits', async () => {
      const ids = Array.from(
        { length: 1000 },
        () => newSignedInSessionId('asha', clock.now()).split('.')[3] ?? '',
      );
      expect(new Set(ids).size).toBe(1000);
      for (const id of ids) expect(Buffer.from(id, 'base64url')).toHaveLength(24);
    });
  });

  describe('run out by themselves', () => {
    it('at the idle limit', async () => {
      const sid = await signIn();
      await expectLifetime(sid, 30 * MINUTE_MS);
    });

    it('at the next cutoff where that comes first', async () => {
      clock.set('2026-11-24T02:50:00+05:30');
      await expectLifetime(await signIn(), 10 * MINUTE_MS);
      clock.set('2026-11-24T02:59:59.500+05:30');
      expect(await pttl(await signIn())).toBeLessThanOrEqual(500);
      clock.set('2026-11-24T03:00:00+05:30');
      await expectLifetime(await signIn(), 30 * MINUTE_MS);
    });

    it('at the cutoff where there is no idle limit', async () => {
      rig.policy.replace({ ...USUAL_POLICY, idleTimeoutMs: 'off' });
      await expectLifetime(await signIn(), 17 * HOUR_MS);
    });

    it('after a month unused where there is neither', async () => {
      rig.policy.replace({ cutoffTime: 'off', idleTimeoutMs: 'off' });
      await expectLifetime(await signIn(), 30 * DAY_MS);
    });

    it('at the idle limit after the last use, and still never past the cutoff', async () => {
      const sid = await signIn();
      await redis.pexpire(`curfew:sess:${sid}`, 60 * SECOND_MS);
      clock.advance(29 * MINUTE_MS);
      await loadBody(storage, sid);
      await expectLifetime(sid, 30 * MINUTE_MS);
      clock.set('2026-11-24T02:58:00+05:30');
      await loadBody(storage, sid);
      await expectLifetime(sid, 2 * MINUTE_MS);
    });

    it('no later for being polled, or used again within the minute', async () => {
      const sid = await signIn();
      await redis.pexpire(`curfew:sess:${sid}`, 60 * SECOND_MS);
      clock.advance(30 * SECOND_MS);
      await loadBody(storage, sid);
      clock.advance(10 * MINUTE_MS);
      await loadBody(storage, sid, { passive: true });
      await expectLifetime(sid, 60 * SECOND_MS);
    });

    it('at the idle limit after a use that was written late', async () => {
      const sid = await signIn();
      clock.advance(40 * SECOND_MS);
      await loadBody(storage, sid);
      await redis.pexpire(`curfew:sess:${sid}`, 60 * SECOND_MS);
      clock.advance(20 * SECOND_MS);
      await storage.registry.flush();
      await expectLifetime(sid, 30 * MINUTE_MS - 20 * SECOND_MS);
    });

    it('no earlier because another node writes an older use late', async () => {
      const sid = await signIn();
      clock.advance(10 * SECOND_MS);
      await loadBody(storage, sid);
      clock.advance(50 * SECOND_MS);
      await loadBody(rig.anotherNode(), sid);
      await storage.registry.flush();
      await expectLifetime(sid, 30 * MINUTE_MS);
    });

    it('at their changed limits, all of them, when the policy changes', async () => {
      const sids = [];
      for (let each = 0; each < 600; each += 1)
        sids.push(await putSession(storage, { userId: `user-${each}`, loginTime: clock.now() }));
      const first = sids[0] ?? '';
      const last = sids.at(-1) ?? '';
      clock.advance(MINUTE_MS);
      rig.policy.replace({ ...USUAL_POLICY, idleTimeoutMs: 10 * MINUTE_MS });
      await storage.registry.applyPolicy();
      for (const sid of [first, last]) await expectLifetime(sid, 9 * MINUTE_MS);

      rig.policy.replace({ cutoffTime: { hour: 10, minute: 5 }, idleTimeoutMs: 'off' });
      await storage.registry.applyPolicy();
      for (const sid of [first, last]) await expectLifetime(sid, 4 * MINUTE_MS);

      rig.policy.replace({ ...USUAL_POLICY, idleTimeoutMs: 2 * HOUR_MS });
      await storage.registry.applyPolicy();
      for (const sid of [first, last]) await expectLifetime(sid, 2 * HOUR_MS - MINUTE_MS);

      rig.policy.replace({ ...USUAL_POLICY, idleTimeoutMs: 30 * SECOND_MS });
      await storage.registry.applyPolicy();
      await eventually(async () => expect(await pttl(first)).toBe(-2));
      expect(await storage.registry.findIdle(1000)).toHaveLength(600);
    });

    it('together with the reasons for their ends, a day later', async () => {
      const sid = await signIn();
      await storage.registry.end([sid], 'password_changed');
      const left = await redis.pttl(`curfew:ended:${sid}`);
      expect(left).toBeGreaterThan(DAY_MS - SLACK_MS);
      expect(left).toBeLessThanOrEqual(DAY_MS);
    });
  });

  describe('whose bodies have run out', () => {
    it('are still ended at the cutoff, by the names of their owners', async () => {
      const sid = await signIn();
      await redis.del(`curfew:sess:${sid}`);
      const batches = [];
      for await (const batch of storage.registry.endAllBefore(clock.now() + 1, 'cutoff')) batches.push(batch);
      expect(batches).toEqual([new Map([['asha', 1]])]);
    });

    it('are still found as idle', async () => {
      const sid = await signIn();
      await redis.del(`curfew:sess:${sid}`);
      clock.advance(30 * MINUTE_MS);
      expect(await storage.registry.findIdle(10)).toEqual([sid]);
      expect(await storage.registry.endingOf(sid)).toBe('idle');
    });

    it('are in nobody’s list', async () => {
      const sid = await signIn();
      await redis.del(`curfew:sess:${sid}`);
      expect(await storage.registry.listByUser('asha')).toEqual([]);
    });

    it('cannot be brought back by a use that was remembered', async () => {
      const sid = await signIn();
      clock.advance(30 * SECOND_MS);
      await loadBody(storage, sid);
      await redis.del(`curfew:sess:${sid}`);
      await storage.registry.flush({ all: true });
      expect(await redis.exists(`curfew:sess:${sid}`)).toBe(0);
    });
  });

  it('leave nothing in Redis but the reason, once ended', async () => {
    const sid = await signIn();
    await storage.registry.end([sid], 'logged_out');
    expect(await redis.keys('*')).toEqual([`curfew:ended:${sid}`]);
    await redis.flushdb();
    await signIn();
    clock.set('2026-11-24T03:00:00+05:30');
    for await (const _batch of storage.registry.endAllBefore(clock.now(), 'cutoff'));
    expect(await redis.keys('*')).toEqual([]);
  });
});

describe('sessions in a Redis that is gone', () => {
  it('are neither loaded nor saved nor said to be ended', async () => {
    const server = await startRedis();
    const clock = createSettableClock('2026-11-23T10:00:00+05:30');
    const rig = onRedis(await connectTo(server.url), clock);
    const { storage } = rig;
    const sid = await putSession(storage, { userId: 'asha', loginTime: clock.now() });
    await server.kill();

    const unavailable = { code: 'unavailable', retryAfterSeconds: 2 };
    const { registry } = storage;
    const body = sessionBody({ userId: 'asha', loginTime: clock.now() });
    await expect(loadBody(storage, sid)).rejects.toMatchObject(unavailable);
    await expect(loadBody(storage, sid, { passive: true })).rejects.toMatchObject(unavailable);
    await expect(saveBody(storage, sid, body)).rejects.toMatchObject(unavailable);
    await expect(destroySession(storage, sid)).rejects.toMatchObject(unavailable);
    await expect(registry.register({ sid, userId: 'a', epoch: 0, loginTime: 0 })).rejects.toMatchObject(
      unavailable,
    );
    await expect(registry.listByUser('asha')).rejects.toMatchObject(unavailable);
    await expect(registry.listAll()[Symbol.asyncIterator]().next()).rejects.toMatchObject(unavailable);
    await expect(registry.countBefore(1)).rejects.toMatchObject(unavailable);
    await expect(registry.end([sid], 'logged_out')).rejects.toMatchObject(unavailable);
    await expect(registry.endThroughEpoch('asha', 1, 'logged_out')).rejects.toMatchObject(unavailable);
    await expect(registry.endStale('asha', 1, 'cutoff')).rejects.toMatchObject(unavailable);
    await expect(registry.endAllBefore(1, 'cutoff')[Symbol.asyncIterator]().next()).rejects.toMatchObject(
      unavailable,
    );
    await expect(registry.findIdle(1)).rejects.toMatchObject(unavailable);
    await expect(registry.lastSeen(sid)).rejects.toMatchObject(unavailable);
    await expect(registry.endingOf(sid)).rejects.toMatchObject(unavailable);
    await expect(registry.applyPolicy()).rejects.toMatchObject(unavailable);
    await rig.close();
    await server.stop();
  });

  it('keep the uses that could not be written for later', async () => {
    const server = await startRedis({ persistent: true });
    const clock = createSettableClock('2026-11-23T10:00:00+05:30');
    const start = clock.now();
    const rig = onRedis(await connectTo(server.url), clock);
    const sid = await putSession(rig.storage, { userId: 'asha', loginTime: start });
    clock.advance(30 * SECOND_MS);
    await loadBody(rig.storage, sid);
    await server.kill();
    await rig.storage.registry.flush({ all: true });
    expect(rig.errors).not.toEqual([]);
    await server.restart();
    await eventually(() => loadBody(rig.storage, sid, { passive: true }));
    await rig.storage.registry.flush({ all: true });
    expect(await rig.storage.registry.lastSeen(sid)).toBe(start + 30 * SECOND_MS);
    await rig.close();
    await server.stop();
  });
});
