import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatCutoffTime, lastCutoff, nextCutoff, parseCutoffTime } from '../../src/core/cutoff.ts';
import { isPastCutoff } from '../../src/core/expiry.ts';
import { CUTOFF_CASES } from './cutoff-cases.ts';
import { cutoffsBetween, isExpiredByTheDays } from './day-by-day-oracle.ts';
import { cutoffTimes, randomSessions } from './random-sessions.ts';

const DAY_MS = 86_400_000;
const NOON = Date.parse('2026-11-23T12:00:00+05:30');

describe('the cutoff', () => {
  it.each(CUTOFF_CASES)('$what: expired is $expired', ({ login, now, time, expired }) => {
    const at = Date.parse(now);
    expect(isPastCutoff(Date.parse(login), at, lastCutoff(at, time))).toBe(expired);
  });

  it('judges any session as counting the days does', () => {
    fc.assert(
      fc.property(randomSessions, ({ login, now, time }) => {
        expect(isPastCutoff(login, now, lastCutoff(now, time))).toBe(isExpiredByTheDays(login, now, time));
      }),
      { numRuns: 5000 },
    );
  });

  it('lies behind and ahead of any instant, with none in between', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: NOON * 2 }), cutoffTimes, (now, time) => {
        if (time === 'off') return;
        const around = cutoffsBetween(now - DAY_MS, now + DAY_MS, time);
        expect(lastCutoff(now, time)).toBe(around.findLast((cutoff) => cutoff <= now));
        expect(nextCutoff(now, time)).toBe(around.find((cutoff) => cutoff > now));
      }),
      { numRuns: 3000 },
    );
  });

  it('is a day ahead at its own instant', () => {
    const cutoff = Date.parse('2026-11-24T03:00:00+05:30');
    expect(lastCutoff(cutoff, { hour: 3, minute: 0 })).toBe(cutoff);
    expect(nextCutoff(cutoff, { hour: 3, minute: 0 })).toBe(cutoff + DAY_MS);
    expect(nextCutoff(cutoff - 1, { hour: 3, minute: 0 })).toBe(cutoff);
  });

  it('never comes when it is off', () => {
    expect(lastCutoff(NOON, 'off')).toBe(Number.NEGATIVE_INFINITY);
    expect(nextCutoff(NOON, 'off')).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('the setting of the cutoff', () => {
  it.each([
    ['00:00', { hour: 0, minute: 0 }],
    ['03:00', { hour: 3, minute: 0 }],
    [' 09:05 ', { hour: 9, minute: 5 }],
    ['23:59', { hour: 23, minute: 59 }],
    ['off', 'off'],
    ['OFF', 'off'],
  ])('reads %j', (text, time) => {
    expect(parseCutoffTime(text)).toEqual(time);
  });

  it.each([
    '',
    '3:00',
    '03:0',
    '24:00',
    '23:60',
    '03.00',
    '03:00:00',
    '3 am',
    '-3:00',
    'on',
    '०३:००',
    '03:00\n04:00',
    '03:00 IST',
  ])('refuses %j', (text) => {
    expect(parseCutoffTime(text)).toBeUndefined();
  });

  it('is written as it is read', () => {
    fc.assert(
      fc.property(cutoffTimes, (time) => {
        expect(parseCutoffTime(formatCutoffTime(time))).toEqual(time);
      }),
    );
  });
});
