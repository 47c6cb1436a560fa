import { describe, expect, test } from 'vitest';
import { banEnd, isAscending, isBanOver, nextLength } from '../../src/core/ban-policy.ts';
import { DAY_MS } from '../../src/core/duration.ts';

describe('how long a ban is', () => {
  test('the ladder goes up with every offence and ends with its last step', () => {
    const ladder = ['24h', '48h', '1w', 'permanent'] as const;
    expect([0, 1, 2, 3, 4, 100].map((offences) => nextLength(ladder, offences))).toEqual([
      '24h',
      '48h',
      '1w',
      'permanent',
      'permanent',
      'permanent',
    ]);
    expect(nextLength(['48h'], 7)).toBe('48h');
  });

  test('it is over at its end, and a permanent one never is', () => {
    const end = banEnd('24h', 1000);
    expect(end).toBe(1000 + DAY_MS);
    expect(isBanOver(end, end - 1)).toBe(false);
    expect(isBanOver(end, end)).toBe(true);
    expect(isBanOver(banEnd('permanent', 1000), Number.MAX_SAFE_INTEGER)).toBe(false);
  });

  test('a ladder that goes down is none', () => {
    expect(isAscending(['24h', '24h', '1w', 'permanent'])).toBe(true);
    expect(isAscending(['48h', '24h'])).toBe(false);
    expect(isAscending(['permanent', '1w'])).toBe(false);
  });
});
