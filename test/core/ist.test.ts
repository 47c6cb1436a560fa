import { describe, expect, it } from 'vitest';
import {
  formatIst,
  formatRelative,
  formatShort,
  fromIso,
  startOfIstDay,
  startOfIstHour,
  toIstIso,
} from '../../src/core/ist.ts';

const INSTANT = Date.UTC(2026, 10, 19, 19, 30, 15, 7);

describe('an instant in Indian time', () => {
  it('is written with the offset +05:30, on the day that it is in India', () => {
    expect(toIstIso(INSTANT)).toBe('2026-11-20T01:00:15.007+05:30');
  });

  it('comes back from its text to the millisecond', () => {
    expect(fromIso(toIstIso(INSTANT))).toBe(INSTANT);
  });

  it('is read from any offset', () => {
    expect(fromIso('2026-11-19T14:30:15.007-05:00')).toBe(INSTANT);
  });

  it('is NaN, which no comparison lets through, when the text is none', () => {
    expect(fromIso('yesterday')).toBeNaN();
    expect(fromIso('')).toBeNaN();
  });

  it('is shown to people with the zone named', () => {
    expect(formatIst(INSTANT)).toBe('Fri 20 Nov 2026, 01:00:15 IST');
  });
});

describe('an instant as lists show it', () => {
  const at = (text: string): number => Date.parse(`${text}+05:30`);
  const now = at('2026-11-20T10:00:00');
  const cases: readonly [then: string, text: string | undefined][] = [
    ['2026-11-20T10:00:00', 'just now'],
    ['2026-11-20T09:59:00.001', 'just now'],
    ['2026-11-20T09:59:00', '1 min ago'],
    ['2026-11-20T09:00:00.001', '59 min ago'],
    ['2026-11-20T09:00:00', '1 h ago'],
    ['2026-11-19T10:00:00.001', '23 h ago'],
    ['2026-11-19T10:00:00', undefined],
    ['2026-11-20T10:00:59', 'in less than a minute'],
    ['2026-11-20T10:01:00', 'in 1 min'],
    ['2026-11-21T03:00:00', 'in 17 h'],
    ['2026-11-21T10:00:00', undefined],
  ];

  it('is so long ago, or in so long, up to a day', () => {
    for (const [then, text] of cases)
      expect(formatRelative(at(then), now), then).toBe(text ?? formatShort(at(then), now));
  });

  it('reads the same when the page keeps it up to date', async () => {
    const page = await import(new URL('../../public/ist-text.js', import.meta.url).href);
    for (const [then, text] of cases) expect(page.relativeText(at(then), now), then).toBe(text);
  });

  it('has its date from a day on, and the year only where it is another one', () => {
    expect(formatRelative(at('2026-11-19T09:15:59'), now)).toBe('19 Nov, 09:15');
    expect(formatRelative(at('2025-11-19T09:15:59'), now)).toBe('19 Nov 2025, 09:15');
    expect(formatRelative(at('2026-11-19T09:15:59'), now, 'iso')).toBe('2026-11-19, 09:15');
    expect(formatRelative(at('2026-11-19T09:15:59'), now, 'numbers')).toBe('19/11/2026, 09:15');
  });

  it('is the time of day alone where it is of today in India', () => {
    expect(formatShort(at('2026-11-20T00:00:00'), now)).toBe('00:00');
    expect(formatShort(at('2026-11-20T23:59:59'), now)).toBe('23:59');
    expect(formatShort(at('2026-11-21T00:00:00'), now)).toBe('21 Nov, 00:00');
  });
});

describe('hours and days of an Indian clock', () => {
  const at = (time: string): number => Date.parse(`${time}+05:30`);

  it('begin at the full hour and at midnight in India, half past in Greenwich', () => {
    expect(startOfIstHour(at('2026-11-21T03:00:00.000'))).toBe(Date.parse('2026-11-20T21:30:00Z'));
    expect(startOfIstHour(at('2026-11-21T03:59:59.999'))).toBe(at('2026-11-21T03:00:00'));
    expect(startOfIstHour(at('2026-11-21T02:59:59.999'))).toBe(at('2026-11-21T02:00:00'));
    expect(startOfIstDay(at('2026-11-21T00:00:00.000'))).toBe(at('2026-11-21T00:00:00'));
    expect(startOfIstDay(at('2026-11-20T23:59:59.999'))).toBe(at('2026-11-20T00:00:00'));
  });

  it('do so before 1970 as well', () => {
    expect(startOfIstDay(at('1969-12-31T12:00:00'))).toBe(at('1969-12-31T00:00:00'));
  });
});
