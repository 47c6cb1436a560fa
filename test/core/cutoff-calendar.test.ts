import { beforeEach, describe, expect, it } from 'vitest';
import { type CutoffCalendar, type CutoffTime, createCutoffCalendar } from '../../src/core/cutoff.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';

const THREE: CutoffTime = { hour: 3, minute: 0 };
const ist = (text: string): number => Date.parse(`2026-11-${text}+05:30`);

describe('the calendar of cutoffs', () => {
  let clock: SettableClock;
  let setting: CutoffTime;
  let computed: number;
  let calendar: CutoffCalendar;

  beforeEach(() => {
    clock = createSettableClock('2026-11-23T10:00:00+05:30');
    setting = THREE;
    computed = 0;
    calendar = createCutoffCalendar({
      clock,
      cutoffTime: () => setting,
      onCompute: () => {
        computed += 1;
      },
    });
  });

  it('computes once for 100,000 questions between two cutoffs', () => {
    const stepMs = Math.floor((ist('24T03:00:00') - clock.now()) / 100_001);
    for (let question = 0; question < 100_000; question += 1) {
      clock.advance(stepMs);
      calendar.last();
      calendar.next();
    }
    expect(clock.now()).toBeGreaterThan(ist('24T02:50:00'));
    expect(computed).toBe(1);
    expect(calendar.last()).toBe(ist('23T03:00:00'));
    expect(calendar.next()).toBe(ist('24T03:00:00'));
  });

  it('computes again at the instant of the cutoff, and not before', () => {
    calendar.last();
    clock.set(ist('24T02:59:59.999'));
    expect(calendar.last()).toBe(ist('23T03:00:00'));
    expect(computed).toBe(1);
    clock.set(ist('24T03:00:00'));
    expect(calendar.last()).toBe(ist('24T03:00:00'));
    expect(calendar.next()).toBe(ist('25T03:00:00'));
    expect(computed).toBe(2);
  });

  it('finds its place again after days in which nobody asked', () => {
    calendar.last();
    clock.set(ist('28T02:00:00'));
    expect(calendar.last()).toBe(ist('27T03:00:00'));
    expect(calendar.next()).toBe(ist('28T03:00:00'));
    expect(computed).toBe(2);
  });

  it('follows a changed setting with the next question', () => {
    calendar.last();
    setting = { hour: 9, minute: 30 };
    expect(calendar.last()).toBe(ist('23T09:30:00'));
    expect(calendar.next()).toBe(ist('24T09:30:00'));
    setting = { hour: 23, minute: 30 };
    expect(calendar.next()).toBe(ist('23T23:30:00'));
    expect(calendar.last()).toBe(ist('22T23:30:00'));
    expect(computed).toBe(3);
  });

  it('has no cutoff when switched off, and one again when switched on', () => {
    setting = 'off';
    for (let question = 0; question < 1000; question += 1) calendar.next();
    expect(calendar.last()).toBe(Number.NEGATIVE_INFINITY);
    expect(calendar.next()).toBe(Number.POSITIVE_INFINITY);
    expect(computed).toBe(1);
    setting = THREE;
    expect(calendar.last()).toBe(ist('23T03:00:00'));
  });

  it('goes back with a clock that jumps back over a cutoff', () => {
    clock.set(ist('24T03:00:01'));
    expect(calendar.last()).toBe(ist('24T03:00:00'));
    clock.set(ist('24T02:59:59'));
    expect(calendar.last()).toBe(ist('23T03:00:00'));
    expect(calendar.next()).toBe(ist('24T03:00:00'));
    expect(computed).toBe(2);
  });
});
