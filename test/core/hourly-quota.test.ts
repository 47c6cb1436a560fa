import { expect, it } from 'vitest';
import { HOUR_MS } from '../../src/core/duration.ts';
import { createHourlyQuota } from '../../src/core/hourly-quota.ts';
import { createSettableClock } from '../support/settable-clock.ts';

it('gives each key its part of an hour, and all of them together no more than theirs', () => {
  const clock = createSettableClock('2026-11-23T10:00:00Z');
  const quota = createHourlyQuota({ clock, most: 2, mostInAll: 5 });
  expect([1, 2, 3].map(() => quota.take('a'))).toEqual([true, true, false]);
  expect(['b', 'c', 'd', 'e'].map((key) => quota.take(key))).toEqual([true, true, true, false]);
  clock.advance(HOUR_MS - 1);
  expect(quota.take('f')).toBe(false);
  clock.advance(1);
  expect(['a', 'e', 'f'].map((key) => quota.take(key))).toEqual([true, true, true]);
});
