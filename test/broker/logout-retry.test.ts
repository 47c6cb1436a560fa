import { describe, expect, it } from 'vitest';
import { planLogoutRetry } from '../../src/broker/logout-queue.ts';
import { DAY_MS, HOUR_MS, SECOND_MS } from '../../src/core/duration.ts';

const plan = (attempts: number, changes: { random?: number; age?: number } = {}) => {
  const now = 1_000_000_000_000;
  const { random = 0, age = 0 } = changes;
  const retry = planLogoutRetry({ attempts, requestedAt: now - age, now, random });
  return retry.kind === 'retry' ? retry.at - now : retry.kind;
};

describe('When to try a logout at a broker again', () => {
  it('waits ten seconds, then twice as long each time', () => {
    expect([1, 2, 3, 4].map((attempts) => plan(attempts))).toEqual([
      10 * SECOND_MS,
      20 * SECOND_MS,
      40 * SECOND_MS,
      80 * SECOND_MS,
    ]);
  });

  it('adds up to a quarter by chance', () => {
    expect(plan(1, { random: 0.5 })).toBe(11_250);
    expect(plan(1, { random: 0.999999 })).toBe(12_500);
  });

  it('never waits longer than an hour', () => {
    expect(plan(9, { random: 0.999999 })).toBeLessThanOrEqual(HOUR_MS);
  });

  it('gives up after ten attempts', () => {
    expect(plan(9)).toBe(2560 * SECOND_MS);
    expect(plan(10)).toBe('give_up');
  });

  it('gives up after a day', () => {
    expect(plan(1, { age: DAY_MS - 1 })).toBe(10 * SECOND_MS);
    expect(plan(1, { age: DAY_MS })).toBe('give_up');
  });
});
