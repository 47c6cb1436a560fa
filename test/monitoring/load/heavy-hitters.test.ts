import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createHeavyHitters } from '../../../src/monitoring/load/heavy-hitters.ts';

test('whoever comes often is there with nearly the right count, however many others come once', () => {
  const hitters = createHeavyHitters(32);
  for (let count = 0; count < 20_000; count += 1) {
    if (count % 10 === 0) hitters.add('often');
    else hitters.add(`once-${count}`);
  }
  const found = new Map(hitters.entries());
  expect(found.get('often')).toBeGreaterThan(2000 - 20_000 / 33 - 1);
  expect(found.get('often')).toBeLessThanOrEqual(2000);
  expect(found.size).toBeLessThanOrEqual(32);
});

test('counts are never too high, and too low by no more than one in places + 1 of all', () => {
  const keys = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'), { maxLength: 200 });
  fc.assert(
    fc.property(keys, (all) => {
      const hitters = createHeavyHitters(3);
      const real = new Map<string, number>();
      for (const key of all) {
        hitters.add(key);
        real.set(key, (real.get(key) ?? 0) + 1);
      }
      const found = new Map(hitters.entries());
      expect(found.size).toBeLessThanOrEqual(3);
      for (const [key, count] of real) {
        expect(found.get(key) ?? 0).toBeLessThanOrEqual(count);
        expect(found.get(key) ?? 0).toBeGreaterThanOrEqual(count - all.length / 4);
      }
    }),
  );
});
