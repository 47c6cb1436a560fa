import { describe, expect, it } from 'vitest';
import { formatIst, fromIso, startOfIstDay, startOfIstHour, toIstIso } from '../../src/core/ist.ts';

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
