import type { Request, Response } from 'express';
import { describe, expect, it } from 'vitest';
import { type CutoffTime, createCutoffCalendar, parseCutoffTime } from '../../src/core/cutoff.ts';
import { createDayCookie } from '../../src/http/day-cookie.ts';
import { createSettableClock } from '../support/settable-clock.ts';

function start(cutoff: string, https = false) {
  const clock = createSettableClock('2026-11-23T10:00:00+05:30');
  const time: CutoffTime = parseCutoffTime(cutoff) ?? 'off';
  const calendar = createCutoffCalendar({ clock, cutoffTime: () => time });
  const cookie = createDayCookie({ name: 'word', calendar, clock, https });
  let header = '';
  let options: Record<string, unknown> = {};
  const res = {
    cookie(name: string, value: string, given: Record<string, unknown>) {
      header = `other=1; ${name}=${encodeURIComponent(value)}`;
      options = given;
    },
  } as unknown as Response;
  const read = (userId: string) => cookie.read({ headers: { cookie: header } } as Request, userId);
  return {
    clock,
    read,
    write: (userId: string, ...words: string[]) => cookie.write(res, userId, words),
    of: () => options,
    header: () => header,
  };
}

describe('what a browser remembers for the day', () => {
  it('is forgotten at the cutoff, and is one person’s', () => {
    const { clock, read, write, of } = start('03:00');
    expect(read('asha')).toEqual([]);
    write('asha', 'zerodha', 'upstox');
    expect(read('asha')).toEqual(['zerodha', 'upstox']);
    expect(read('ravi')).toEqual([]);
    expect(of()).toMatchObject({ httpOnly: true, sameSite: 'lax', maxAge: 17 * 3_600_000 });
    clock.set('2026-11-24T02:59:59.999+05:30');
    expect(read('asha')).toHaveLength(2);
    clock.set('2026-11-24T03:00:00+05:30');
    expect(read('asha')).toEqual([]);
  });

  it('lives as long as the browser where there is no cutoff, and is bound to the host over https', () => {
    const { read, write, of, header } = start('off', true);
    write('asha', 'seen');
    expect(read('asha')).toEqual(['seen']);
    expect(of()).not.toHaveProperty('maxAge');
    expect(header()).toContain('__Host-word=');
  });
});
