import { describe, expect, test } from 'vitest';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../src/core/duration.ts';
import { startOfIstHour } from '../../../src/core/ist.ts';
import { type LoadHour, normalRange } from '../../../src/security/watch/normal-range.ts';

const NOW = Date.parse('2026-11-23T10:20:00+05:30');
const THIS_HOUR = startOfIstHour(NOW);

/** Requests in the bucket of 25 to 50 ms, refused and failed in part. */
function hour(startsAt: number, given: Partial<LoadHour> = {}): LoadHour {
  return {
    hour: startsAt,
    routeClass: 'api',
    requests: 100,
    notFound: 0,
    clientErrors: 10,
    serverErrors: 0,
    buckets: [0, 0, 0, 100, 0, 0, 0, 0, 0, 0],
    ...given,
  };
}

/** This hour of each of the last days. */
const days = (count: number, given?: Partial<LoadHour>): readonly LoadHour[] =>
  Array.from({ length: count }, (_, day) => hour(THIS_HOUR - (day + 1) * DAY_MS, given));

describe('the normal range of a class', () => {
  test('is a fixed one until six hours like this one are known', () => {
    expect(normalRange(days(5), 'api', NOW)).toEqual({
      p99Ms: 500,
      refused: 0.5,
      failed: 0.05,
      learned: false,
    });
    expect(normalRange(days(6), 'api', NOW).learned).toBe(true);
    expect(normalRange(days(6), 'form', NOW).learned).toBe(false);
  });

  test('is several times the median of the hours at this time of the day', () => {
    const range = normalRange(days(7, { clientErrors: 10, notFound: 5, serverErrors: 2 }), 'api', NOW);
    expect(range.p99Ms).toBeCloseTo(3 * 49.75);
    expect(range.refused).toBeCloseTo(0.3);
    expect(range.failed).toBeCloseTo(0.04);
  });

  test('learns from the hour before and the hour after as well, and from no other', () => {
    const neighbours = days(2).flatMap(({ hour: at }) => [hour(at - HOUR_MS), hour(at), hour(at + HOUR_MS)]);
    expect(normalRange(neighbours, 'api', NOW).learned).toBe(true);
    const others = days(9).flatMap(({ hour: at }) => [hour(at - 2 * HOUR_MS), hour(at + 2 * HOUR_MS)]);
    expect(normalRange(others, 'api', NOW).learned).toBe(false);
    expect(normalRange(neighbours, 'api', THIS_HOUR).learned).toBe(true);
    expect(normalRange(neighbours, 'api', THIS_HOUR + HOUR_MS - 1).learned).toBe(true);
    expect(normalRange(neighbours, 'api', THIS_HOUR + HOUR_MS).learned).toBe(false);
  });

  test('does not learn from hours in which hardly anybody asked, from old ones, nor from the one that lasts', () => {
    expect(normalRange(days(9, { requests: 19 }), 'api', NOW).learned).toBe(false);
    const old = days(9).map((each) => ({ ...each, hour: each.hour - 14 * DAY_MS }));
    expect(normalRange(old, 'api', NOW).learned).toBe(false);
    expect(normalRange([...days(5), hour(THIS_HOUR)], 'api', NOW + 30 * MINUTE_MS).learned).toBe(false);
  });

  test('is not moved by an attack of some of the hours', () => {
    const attacked = [
      ...days(7),
      ...days(3, { clientErrors: 100, buckets: [0, 0, 0, 0, 0, 0, 0, 0, 0, 100] }),
    ];
    expect(normalRange(attacked, 'api', NOW)).toEqual(normalRange(days(7), 'api', NOW));
  });

  test('has limits of its own: nothing tiny rings, and slow and failing answers are never normal', () => {
    const fast = days(7, { clientErrors: 0, buckets: [100, 0, 0, 0, 0, 0, 0, 0, 0, 0] });
    expect(normalRange(fast, 'api', NOW)).toMatchObject({ p99Ms: 100, refused: 0.1, failed: 0.02 });
    const bad = days(7, { clientErrors: 90, serverErrors: 50, buckets: [0, 0, 0, 0, 0, 0, 0, 0, 0, 100] });
    expect(normalRange(bad, 'api', NOW)).toMatchObject({ p99Ms: 2000, refused: 1, failed: 0.1 });
  });
});
