import { describe, expect, it } from 'vitest';
import { backoffMs, createLeasedQueue } from '../../src/core/leased-queue.ts';
import { createSettableClock } from '../support/settable-clock.ts';

function createWorld(batches: readonly (readonly string[])[]) {
  const waiting = batches.map((batch) => [...batch]);
  const worked: string[] = [];
  const leases: number[] = [];
  const errors: unknown[] = [];
  let gate: Promise<unknown> = Promise.resolve();
  const queue = createLeasedQueue({
    outcomes: ['done', 'postponed'] as const,
    async claimDue({ leaseMs }) {
      leases.push(leaseMs);
      return waiting.shift() ?? [];
    },
    async work(name: string) {
      await gate;
      if (name === 'broken') throw new Error('no store');
      worked.push(name);
      return name.startsWith('late') ? { postponed: 1 } : { done: 1 };
    },
    clock: createSettableClock('2026-11-20T09:15:00+05:30'),
    intervalMs: 1,
    onError: (error) => errors.push(error),
  });
  return {
    queue,
    worked,
    leases,
    errors,
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>();
      gate = promise;
      return resolve;
    },
  };
}

describe('A leased queue', () => {
  it('claims until nothing is due, and counts what became of it', async () => {
    const { queue, worked, leases } = createWorld([['a', 'b'], ['late c']]);
    expect(await queue.drain()).toEqual({ done: 2, postponed: 1 });
    expect(worked).toEqual(['a', 'b', 'late c']);
    expect(leases).toEqual([60_000, 60_000, 60_000]);
    expect(await queue.drain()).toEqual({ done: 0, postponed: 0 });
    expect(queue.counted).toEqual({ done: 2, postponed: 1 });
  });

  it('drains once where two ask at the same time', async () => {
    const { queue, worked } = createWorld([['a']]);
    const [first, second] = await Promise.all([queue.drain(), queue.drain()]);
    expect(first).toBe(second);
    expect(worked).toEqual(['a']);
  });

  it('finishes the round under way when it is stopped, and takes no other', async () => {
    const { queue, worked, hold } = createWorld([['a'], ['b']]);
    const release = hold();
    const draining = queue.drain();
    const stopped = queue.stop();
    release();
    expect(await draining).toEqual({ done: 1, postponed: 0 });
    await stopped;
    expect(worked).toEqual(['a']);
    expect(await queue.drain()).toEqual({ done: 1, postponed: 0 });
  });

  it('goes on after a round that failed', async () => {
    const { queue, worked, errors } = createWorld([['broken'], ['a']]);
    queue.start();
    await expect.poll(() => worked).toEqual(['a']);
    await queue.stop();
    expect(errors).toHaveLength(1);
  });
});

describe('The pause before another attempt', () => {
  const pause = (failures: number, random = 0) =>
    backoffMs({ failures, firstMs: 5000, longestMs: 600_000, random });

  it('doubles up to the longest', () => {
    expect([1, 2, 3, 8, 20].map((failures) => pause(failures))).toEqual([
      5000, 10_000, 20_000, 600_000, 600_000,
    ]);
  });

  it('is up to a quarter longer by chance, and never above the longest', () => {
    expect(pause(1, 0.5)).toBe(5625);
    expect(pause(20, 0.99)).toBe(600_000);
  });
});
