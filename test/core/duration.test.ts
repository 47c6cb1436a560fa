import { describe, expect, it } from 'vitest';
import { describeDuration, formatDuration, parseDuration } from '../../src/core/duration.ts';

describe('a length of time', () => {
  it.each([
    ['90s', 90_000],
    ['30m', 1_800_000],
    ['8h', 28_800_000],
    ['7d', 604_800_000],
    [' 1s ', 1000],
  ])('reads %j as %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(['', '0s', '0m', '30', 'm', '30 m', '1.5h', '-1m', '30M', '1h30m', '9999999s', '٣m'])(
    'refuses %j',
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );

  it.each(['1s', '90s', '100s', '30m', '90m', '8h', '25h', '1d', '7d'])(
    'is written as it was read: %s',
    (text) => {
      expect(formatDuration(parseDuration(text) ?? 0)).toBe(text);
    },
  );

  it.each([
    [-5, '0 s'],
    [1, '1 s'],
    [59_000, '59 s'],
    [60_000, '1 min'],
    [59 * 60_000, '59 min'],
    [3_600_000, '1 h'],
    [7_500_000, '2 h 5 min'],
  ])('says %d ms as %j', (ms, words) => {
    expect(describeDuration(ms)).toBe(words);
  });
});
