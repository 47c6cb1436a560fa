import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import type { Revocation, RevocationScope } from '../../src/core/revocation.ts';
import { createReplay } from '../../src/revocation/replay.ts';
import { createRevocationStore, type RevocationStore } from '../../src/revocation/revocation-store.ts';
import { createSessionTarget } from '../../src/sessions/session-target.ts';
import type { Database } from '../../src/storage/database.ts';
import { onRedis, openMemory, type SessionRig } from '../sessions/session-rigs.ts';
import { loadBody, putSession } from '../sessions/stored-sessions.ts';
import { connectTo } from '../storage/redis-clients.ts';
import { createRedisDatabase } from '../support/redis-server.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';

const SECOND_MS = 1000;

describe('a Redis that came back with older data', () => {
  let clock: SettableClock;
  let database: Database;
  let revocations: RevocationStore;
  let rig: SessionRig;
  let redis: Redis;
  let replay: () => Promise<number>;

  beforeEach(async () => {
    clock = createSettableClock('2026-11-23T10:00:00+05:30');
    database = await openMemory();
    revocations = createRevocationStore(database, clock);
    const url = await createRedisDatabase({ url: inject('redisUrl') });
    redis = new Redis(url);
    rig = onRedis(await connectTo(url), clock);
    const silent = { record: () => Promise.resolve(), recordMany: () => Promise.resolve() };
    const sessionTarget = createSessionTarget(rig.storage.registry, silent);
    replay = createReplay({ revocations, sessionTarget, calendar: rig.calendar, clock });
  });
  afterEach(async () => {
    redis.disconnect();
    await rig.close();
    await database.close();
  });

  const signIn = (userId: string) => putSession(rig.storage, { userId, loginTime: clock.now() });
  const isThere = async (sid: string) => Boolean(await loadBody(rig.storage, sid, { passive: true }));

  async function order(scope: RevocationScope, status: 'done' | 'queued'): Promise<Revocation> {
    const given = await revocations.open(scope, 'logged_out');
    if (given === undefined) throw new Error('There was such a revocation already');
    const receipt = {
      orderId: given.id,
      reason: given.reason,
      scope: scope.kind,
      userId: undefined,
      orderedAt: given.orderedAt,
      status,
      lines: [],
    };
    await revocations.saveProgress(receipt, 1, clock.now() + 3600 * SECOND_MS);
    return given;
  }

  it('loses again what had been ended since the last cutoff, and nothing else', async () => {
    const ended = await signIn('asha');
    const kept = await signIn('ravi');
    await order({ kind: 'device', userId: 'asha', sids: [ended] }, 'done');
    clock.advance(SECOND_MS);
    // As if the snapshot were from before the revocation.
    expect(await isThere(ended)).toBe(true);
    expect(await replay()).toBe(1);
    expect(await isThere(ended)).toBe(false);
    expect(await isThere(kept)).toBe(true);
  });

  it('keeps a login that came after the revocation', async () => {
    await revocations.openAccount('asha', 'logged_out_everywhere');
    clock.advance(SECOND_MS);
    const sid = await putSession(rig.storage, { userId: 'asha', loginTime: clock.now(), epoch: 1 });
    await replay();
    expect(await isThere(sid)).toBe(true);
  });

  it('need not hear of revocations from before the last cutoff: that keeps their sessions out', async () => {
    const old = await signIn('asha');
    await order({ kind: 'device', userId: 'asha', sids: [old] }, 'done');
    clock.set('2026-11-24T03:00:00.000+05:30');
    expect(await replay()).toBe(0);
  });

  it('loses what a node ended whose clock was still a second before the cutoff', async () => {
    clock.set('2026-11-24T03:00:00.500+05:30');
    const sid = await signIn('asha');
    clock.set('2026-11-24T02:59:59.500+05:30');
    await order({ kind: 'device', userId: 'asha', sids: [sid] }, 'done');
    clock.set('2026-11-24T10:00:00.000+05:30');
    await replay();
    expect(await isThere(sid)).toBe(false);
  });

  it('is not swept up to a cutoff that is still to come', async () => {
    await order({ kind: 'sweep', before: clock.now() + 3600 * SECOND_MS }, 'done');
    const sid = await signIn('asha');
    await replay();
    expect(await isThere(sid)).toBe(true);
  });

  it('has what had failed carried out at once', async () => {
    const failed = await order({ kind: 'device', userId: 'asha', sids: [await signIn('asha')] }, 'queued');
    expect(await revocations.claimDue(10)).toEqual([]);
    await replay();
    expect((await revocations.claimDue(10)).map((stored) => stored.revocation.id)).toEqual([failed.id]);
  });

  it('is not said to be up to date where it did not answer', async () => {
    await order({ kind: 'device', userId: 'asha', sids: [await signIn('asha')] }, 'done');
    await redis.del('curfew:sessions:by-login');
    await redis.set('curfew:sessions:by-login', 'something else');
    await expect(replay()).rejects.toMatchObject({ code: 'unavailable' });
  });
});
