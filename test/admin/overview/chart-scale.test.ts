import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { niceScale } from '../../../src/admin/overview/chart-scale.ts';

describe('an axis', () => {
  it.each([
    [0, [0, 1]],
    [1, [0, 1]],
    [3, [0, 1, 2, 3]],
    [4, [0, 1, 2, 3, 4]],
    [5, [0, 2, 4, 6]],
    [17, [0, 5, 10, 15, 20]],
    [100, [0, 50, 100]],
    [2500, [0, 1000, 2000, 3000]],
  ])('for %d has the lines %j', (largest, ticks) => {
    expect(niceScale(largest).ticks).toEqual(ticks);
  });

  it('begins at zero, holds the largest value, and has few lines at whole numbers', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2_000_000_000 }), (largest) => {
        const { top, ticks } = niceScale(largest);
        expect(ticks[0]).toBe(0);
        expect(top).toBe(ticks.at(-1));
        expect(top).toBeGreaterThanOrEqual(largest);
        expect(top).toBeLessThanOrEqual(Math.max(1, largest * 2));
        expect(ticks.length).toBeLessThanOrEqual(5);
        expect(ticks.every(Number.isInteger)).toBe(true);
      }),
    );
  });
});
