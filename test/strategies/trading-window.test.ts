import { describe, expect, it } from 'vitest';
import {
  formatTimeOfDay,
  isWithin,
  parseEndOfDay,
  parseTimeOfDay,
  type TradingHours,
  toTradingWindow,
} from '../../src/strategies/trading-window.ts';

const MARKET: TradingHours = {
  days: ['mon', 'tue', 'wed', 'thu', 'fri'],
  opensAt: 9 * 60 + 15,
  closesAt: 15 * 60 + 30,
};

const at = (text: string): number => Date.parse(`2026-11-${text}+05:30`);

describe('A trading window', () => {
  it.each([
    ['23T09:14:59.999', false],
    ['23T09:15:00.000', true],
    ['23T15:29:59.999', true],
    ['23T15:30:00.000', false],
  ])('is half-open in Indian time: Monday %s is %s', (instant, expected) => {
    expect(isWithin(MARKET, at(instant))).toBe(expected);
  });

  it.each([
    ['20T12:00:00', true],
    ['21T12:00:00', false],
    ['22T12:00:00', false],
    ['23T12:00:00', true],
  ])('has the days of the Indian calendar: %s is %s', (instant, expected) => {
    expect(isWithin(MARKET, at(instant))).toBe(expected);
  });

  it('takes the day from the Indian date where the one of UTC is another', () => {
    const mondays: TradingHours = { days: ['mon'], opensAt: 0, closesAt: 24 * 60 };
    expect(isWithin(mondays, Date.parse('2026-11-22T18:29:59.999Z'))).toBe(false);
    expect(isWithin(mondays, Date.parse('2026-11-22T18:30:00.000Z'))).toBe(true);
    expect(isWithin(mondays, Date.parse('2026-11-23T18:29:59.999Z'))).toBe(true);
    expect(isWithin(mondays, Date.parse('2026-11-23T18:30:00.000Z'))).toBe(false);
  });

  it('reads times of day, and midnight as an end', () => {
    expect(parseTimeOfDay('09:15')).toBe(555);
    expect(parseTimeOfDay('00:00')).toBe(0);
    for (const text of ['9:15', '24:00', '12:60', '12:3', '', 'noon', '09:15:00'])
      expect(parseTimeOfDay(text)).toBeUndefined();
    expect(parseEndOfDay('00:00')).toBe(1440);
    expect(parseEndOfDay('24:00')).toBe(1440);
    expect(parseEndOfDay('15:30')).toBe(930);
    expect(parseEndOfDay('24:01')).toBeUndefined();
  });

  it('is written as programs read it', () => {
    expect(toTradingWindow({ ...MARKET, closesAt: 1440 })).toEqual({
      days: ['mon', 'tue', 'wed', 'thu', 'fri'],
      start: '09:15',
      end: '24:00',
    });
    expect(formatTimeOfDay(5)).toBe('00:05');
  });
});
