import type { CutoffTime } from '../../src/core/cutoff.ts';

export interface CutoffCase {
  readonly what: string;
  readonly login: string;
  readonly now: string;
  readonly time: CutoffTime;
  readonly expired: boolean;
}

const MIDNIGHT = { hour: 0, minute: 0 } as const;
const THREE = { hour: 3, minute: 0 } as const;
const LATE = { hour: 23, minute: 30 } as const;

/** 23 November 2026 is a Monday. */
export const CUTOFF_CASES: readonly CutoffCase[] = [
  at('login Monday 10:00, request Wednesday 01:00', THREE, '23T10:00:00.000', '25T01:00:00.000', true),
  at('login Monday 10:00, request Tuesday 01:00', THREE, '23T10:00:00.000', '24T01:00:00.000', false),
  at('the last millisecond before 03:00', THREE, '23T10:00:00.000', '24T02:59:59.999', false),
  at('03:00 itself', THREE, '23T10:00:00.000', '24T03:00:00.000', true),
  at('a login in the last millisecond of the old day', THREE, '24T02:59:59.999', '24T03:00:00.000', true),
  at('a login at 03:00, at once', THREE, '24T03:00:00.000', '24T03:00:00.000', false),
  at('a login at 03:00, a day later less a millisecond', THREE, '24T03:00:00.000', '25T02:59:59.999', false),
  at('a login at 03:00, a day later', THREE, '24T03:00:00.000', '25T03:00:00.000', true),
  at('a login of an hour ago across 03:00', THREE, '24T02:30:00.000', '24T03:30:00.000', true),
  at('a login of sixty days ago just before 03:00', THREE, '01T02:59:00.000', '30T02:59:00.000', true),
  at('the last millisecond before midnight', MIDNIGHT, '23T10:00:00.000', '23T23:59:59.999', false),
  at('midnight itself', MIDNIGHT, '23T10:00:00.000', '24T00:00:00.000', true),
  at('a login at midnight, at the end of its day', MIDNIGHT, '24T00:00:00.000', '24T23:59:59.999', false),
  at('a login at midnight, a day later', MIDNIGHT, '24T00:00:00.000', '25T00:00:00.000', true),
  at('the last millisecond before 23:30', LATE, '23T10:00:00.000', '23T23:29:59.999', false),
  at('23:30 itself', LATE, '23T10:00:00.000', '23T23:30:00.000', true),
  at('a login at 23:30, the next evening', LATE, '23T23:30:00.000', '24T23:29:59.999', false),
  at(
    'a login two days ago at 10:00 with a cutoff late in the day',
    LATE,
    '21T10:00:00.000',
    '23T10:00:00.000',
    true,
  ),
  at('a login at 23:45, next morning', LATE, '22T23:45:00.000', '23T10:00:00.000', false),
  at('yesterday at 10:00 with no cutoff at all', 'off', '22T10:00:00.000', '23T10:00:00.000', false),
  at('weeks ago with no cutoff at all', 'off', '01T10:00:00.000', '30T10:00:00.000', false),
  at('a login of another node whose clock is 2 s ahead', THREE, '23T10:00:02.000', '23T10:00:00.000', false),
  at('a login further in the future than that', THREE, '23T10:00:02.001', '23T10:00:00.000', true),
  at('a login of next year with no cutoff at all', 'off', '29T10:00:00.000', '23T10:00:00.000', true),
];

function at(what: string, time: CutoffTime, login: string, now: string, expired: boolean): CutoffCase {
  return { what, login: `2026-11-${login}+05:30`, now: `2026-11-${now}+05:30`, time, expired };
}
