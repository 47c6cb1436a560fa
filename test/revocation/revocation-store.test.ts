import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Receipt, Revocation } from '../../src/core/revocation.ts';
import type { RevocationStore } from '../../src/revocation/revocation-store.ts';
import { REVOCATION_RIGS, type RevocationRig } from '../sessions/revocation-rigs.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';

const SECOND_MS = 1000;
const LEASE_MS = 30 * SECOND_MS;
const START = Date.parse('2026-11-23T10:00:00+05:30');

describe.each(REVOCATION_RIGS)('the revocations of revocation on %s', (_name, open) => {
  let clock: SettableClock;
  let rig: RevocationRig;
  let revocations: RevocationStore;

  beforeEach(async () => {
    clock = createSettableClock(START);
    rig = await open(clock);
    ({ revocations } = rig);
  });
  afterEach(() => rig.close());

  const currentEpoch = (userId: string) => rig.epochs.current(userId);
  const device = (userId = 'asha') => ({ kind: 'device', userId, sids: ['s.asha.1.x'] }) as const;

  async function openDevice(userId = 'asha', dedupeKey?: string): Promise<Revocation> {
    const revocation = await revocations.open(device(userId), 'logged_out', dedupeKey);
    if (revocation === undefined) throw new Error('There was such a revocation already');
    return revocation;
  }

  function receiptOf(revocation: Revocation, status: Receipt['status'], count = 1): Receipt {
    return {
      orderId: revocation.id,
      reason: revocation.reason,
      scope: revocation.scope.kind,
      userId: revocation.scope.kind === 'sweep' ? undefined : revocation.scope.userId,
      orderedAt: revocation.orderedAt,
      status,
      lines: [{ step: 'sessions', status, count, ms: 1 }],
    };
  }

  async function claim(limit = 10): Promise<readonly string[]> {
    return (await revocations.claimDue(limit)).map(({ revocation }) => revocation.id);
  }

  describe('a revocation for an account', () => {
    it('raises the epoch, and reaches what began before it', async () => {
      expect(await currentEpoch('asha')).toBe(0);
      const first = await revocations.openAccount('asha', 'logged_out');
      expect(first.scope).toEqual({ kind: 'account', userId: 'asha', throughEpoch: 0 });
      expect(await currentEpoch('asha')).toBe(1);
      const second = await revocations.openAccount('asha', 'password_changed');
      expect(second.scope).toEqual({ kind: 'account', userId: 'asha', throughEpoch: 1 });
      expect(await currentEpoch('asha')).toBe(2);
      expect(await currentEpoch('ravi')).toBe(0);
    });

    it('leaves the epoch as it was when it cannot be stored: both or neither', async () => {
      await rig.breakTable();
      await expect(revocations.openAccount('asha', 'logged_out')).rejects.toThrow();
      expect(await currentEpoch('asha')).toBe(0);
    });

    it('gets an epoch of its own when many come at once', async () => {
      const given = await Promise.all(
        Array.from({ length: 10 }, () => revocations.openAccount('asha', 'logged_out_everywhere')),
      );
      const reached = given.map(({ scope }) => (scope.kind === 'account' ? scope.throughEpoch : -1));
      expect(reached.sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      expect(await currentEpoch('asha')).toBe(10);
    });
  });

  describe('a revocation that may exist once only', () => {
    it('is given to the first who asks', async () => {
      const scope = { kind: 'sweep', before: START } as const;
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => revocations.open(scope, 'cutoff', `sweep:${START}`)),
      );
      expect(answers.filter((revocation) => revocation !== undefined)).toHaveLength(1);
      expect(await revocations.open(scope, 'cutoff', `sweep:${START}`)).toBeUndefined();
      expect(
        await revocations.open({ ...scope, before: START + 1 }, 'cutoff', `sweep:${START + 1}`),
      ).toBeDefined();
    });

    it('stays the only one when it is done', async () => {
      const revocation = await openDevice('asha', 'once');
      await revocations.saveProgress(receiptOf(revocation, 'done'), 1, START);
      expect(await revocations.open(device(), 'logged_out', 'once')).toBeUndefined();
    });

    it('does not keep revocations without a key apart', async () => {
      await openDevice();
      await openDevice();
      clock.advance(LEASE_MS);
      expect(await claim()).toHaveLength(2);
    });
  });

  describe('an open revocation', () => {
    it('belongs to whoever gave it until its lease is over: nobody takes it before', async () => {
      const revocation = await openDevice();
      clock.advance(LEASE_MS - 1);
      expect(await claim()).toEqual([]);
      clock.advance(1);
      expect(await claim()).toEqual([revocation.id]);
    });

    it('comes back whole', async () => {
      const revocation = await openDevice();
      const receipt = receiptOf(revocation, 'queued', 0);
      await revocations.saveProgress(receipt, 3, START + 5 * SECOND_MS);
      clock.advance(5 * SECOND_MS);
      expect(await revocations.claimDue(10)).toEqual([{ revocation, receipt, attempts: 3 }]);
    });

    it('whose node died before its first step comes back with nothing done', async () => {
      const revocation = await revocations.openAccount('asha', 'logged_out');
      clock.advance(LEASE_MS);
      expect(await revocations.claimDue(10)).toEqual([{ revocation, receipt: undefined, attempts: 0 }]);
    });

    it('is taken by one node of many that ask at once, each time', async () => {
      const given = await Promise.all(Array.from({ length: 20 }, () => openDevice()));
      for (let round = 0; round < 3; round += 1) {
        clock.advance(LEASE_MS);
        const nodes = Array.from({ length: 4 }, () => rig.anotherNode().claimDue(20));
        const claimed = (await Promise.all(nodes)).flat().map(({ revocation }) => revocation.id);
        expect([...claimed].sort()).toEqual(given.map(({ id }) => id).sort());
        expect(await claim()).toEqual([]);
      }
    });

    it('waits for the instant that was set for its next try', async () => {
      const revocation = await openDevice();
      await revocations.saveProgress(receiptOf(revocation, 'queued', 0), 1, START + 4 * SECOND_MS);
      clock.set(START + 4 * SECOND_MS - 1);
      expect(await claim()).toEqual([]);
      clock.advance(1);
      expect(await claim()).toEqual([revocation.id]);
    });

    it('is one of as many as are asked for, the longest due first', async () => {
      const first = await openDevice();
      clock.advance(SECOND_MS);
      const second = await openDevice();
      clock.advance(LEASE_MS);
      expect(await claim(1)).toEqual([first.id]);
      expect(await claim(1)).toEqual([second.id]);
    });

    it('is done when its receipt is, and never taken again', async () => {
      const revocation = await openDevice();
      await revocations.saveProgress(receiptOf(revocation, 'done'), 1, START);
      clock.advance(100 * LEASE_MS);
      expect(await claim()).toEqual([]);
    });

    it('counts as waiting when it failed or its node died, and not while it is carried out', async () => {
      const [failed, abandoned, done] = [await openDevice(), await openDevice(), await openDevice()];
      expect(await revocations.countWaiting()).toBe(0);
      await revocations.saveProgress(receiptOf(failed, 'queued', 0), 1, START + 60 * SECOND_MS);
      await revocations.saveProgress(receiptOf(done, 'done'), 1, START);
      expect(await revocations.countWaiting()).toBe(1);
      clock.advance(LEASE_MS);
      expect(await revocations.countWaiting()).toBe(2);
      for (const revocation of [failed, abandoned])
        await revocations.saveProgress(receiptOf(revocation, 'done'), 2, START);
      expect(await revocations.countWaiting()).toBe(0);
    });
  });

  describe('the newest receipt of a person', () => {
    it('is the last that ended something, of theirs or of everybody', async () => {
      expect(await revocations.latestReceipt('asha')).toBeUndefined();
      const own = await openDevice();
      await revocations.saveProgress(receiptOf(own, 'done', 2), 1, START);
      expect((await revocations.latestReceipt('asha'))?.orderId).toBe(own.id);
      expect(await revocations.latestReceipt('ravi')).toBeUndefined();

      clock.advance(SECOND_MS);
      const sweep = await revocations.open({ kind: 'sweep', before: START }, 'cutoff', `sweep:${START}`);
      if (sweep === undefined) throw new Error('no sweep');
      await revocations.saveProgress(receiptOf(sweep, 'done', 5), 1, START);
      expect((await revocations.latestReceipt('asha'))?.orderId).toBe(sweep.id);
      expect((await revocations.latestReceipt('ravi'))?.orderId).toBe(sweep.id);

      clock.advance(SECOND_MS);
      const empty = await openDevice();
      await revocations.saveProgress(receiptOf(empty, 'done', 0), 1, START);
      expect((await revocations.latestReceipt('asha'))?.orderId).toBe(sweep.id);
      await openDevice();
      expect((await revocations.latestReceipt('asha'))?.orderId).toBe(sweep.id);
    });
  });

  describe('the cutoff that was swept last', () => {
    it('is the latest, finished or not, and not one of an operator’s own choice', async () => {
      expect(await revocations.lastSweptCutoff()).toBeUndefined();
      await revocations.open({ kind: 'sweep', before: START }, 'cutoff', `sweep:${START}`);
      clock.advance(SECOND_MS);
      await revocations.open({ kind: 'sweep', before: START - 1000 }, 'cutoff', `sweep:${START - 1000}`);
      await revocations.open({ kind: 'sweep', before: START + 99_999 }, 'cutoff');
      await revocations.open(
        { kind: 'stale', userId: 'asha', before: START + 5 },
        'cutoff',
        `stale:asha:${START + 5}`,
      );
      expect(await revocations.lastSweptCutoff()).toBe(START);
    });

    it('is known to whom it would have ended', async () => {
      expect(await revocations.isSwept(START)).toBe(false);
      clock.advance(SECOND_MS);
      await revocations.open({ kind: 'sweep', before: START }, 'cutoff', `sweep:${START}`);
      expect(await revocations.isSwept(START - 1)).toBe(true);
      expect(await revocations.isSwept(START)).toBe(false);
    });
  });

  describe('a sweep from the future, by a clock that was wrong', () => {
    const sweep = (before: number) =>
      revocations.open({ kind: 'sweep', before }, 'cutoff', `sweep:${before}`);

    it('gives its key back, and does not count as the last that was swept', async () => {
      await sweep(START - SECOND_MS);
      clock.advance(3600 * SECOND_MS);
      await sweep(START + 1800 * SECOND_MS);
      clock.set(START);
      expect(await sweep(START + 1800 * SECOND_MS)).toBeUndefined();
      await revocations.releaseFutureSweeps();
      expect(await revocations.lastSweptCutoff()).toBe(START - SECOND_MS);
      expect(await sweep(START - SECOND_MS)).toBeUndefined();
      expect(await sweep(START + 1800 * SECOND_MS)).toBeDefined();
    });

    it('keeps it where the clocks of two nodes merely differ', async () => {
      clock.advance(2 * SECOND_MS);
      await sweep(START);
      clock.set(START);
      await revocations.releaseFutureSweeps();
      expect(await sweep(START)).toBeUndefined();
    });

    it('is not carried out before its time, however it is hurried', async () => {
      clock.advance(3600 * SECOND_MS);
      const early = await sweep(START + 1800 * SECOND_MS);
      if (early === undefined) throw new Error('no sweep');
      await revocations.saveProgress(receiptOf(early, 'queued'), 1, START);
      clock.set(START);
      await revocations.hurryOpen();
      expect(await claim()).toEqual([]);
      expect(await revocations.countWaiting()).toBe(0);
      clock.advance(3600 * SECOND_MS);
      expect(await revocations.countWaiting()).toBe(1);
      expect(await claim()).toEqual([early.id]);
    });
  });

  describe('the revocations since an instant', () => {
    it('come oldest first, each once, open and done', async () => {
      await openDevice('too old');
      clock.advance(SECOND_MS);
      const given: string[] = [];
      for (let each = 0; each < 25; each += 1) {
        const revocation = await openDevice(`user-${each}`);
        given.push(revocation.id);
        if (each % 2 === 0) await revocations.saveProgress(receiptOf(revocation, 'done'), 1, START);
        if (each % 3 === 0) clock.advance(1);
      }
      const batches: (readonly Revocation[])[] = [];
      for await (const batch of revocations.listSince(START + SECOND_MS, 10)) batches.push(batch);
      expect(batches.map((batch) => batch.length)).toEqual([10, 10, 5]);
      const listed = batches.flat();
      expect(listed.map(({ id }) => id).sort()).toEqual([...given].sort());
      const times = listed.map(({ orderedAt }) => orderedAt);
      expect(times).toEqual([...times].sort((a, b) => a - b));
    });
  });

  it('that failed need not wait when they are hurried, and those of somebody at work are left alone', async () => {
    const [failed] = [await openDevice(), await openDevice('at work')];
    await revocations.saveProgress(receiptOf(failed, 'queued', 0), 5, START + 300 * SECOND_MS);
    await revocations.hurryOpen();
    expect(await claim()).toEqual([failed.id]);
  });

  it('are forgotten when they are done and old, and never while they are open', async () => {
    const [done, open_] = [await openDevice(), await openDevice()];
    await revocations.saveProgress(receiptOf(done, 'done'), 1, START);
    await revocations.deleteDoneBefore(START);
    expect(await revocations.latestReceipt('asha')).toBeDefined();
    await revocations.deleteDoneBefore(START + 1);
    expect(await revocations.latestReceipt('asha')).toBeUndefined();
    clock.advance(LEASE_MS);
    expect(await claim()).toEqual([open_.id]);
  });
});
