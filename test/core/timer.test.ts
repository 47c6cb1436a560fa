import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Alarm, createTimer } from '../../src/core/timer.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';

const SECOND_MS = 1000;
const HOUR_MS = 3_600_000;
const LONGEST_SLEEP_MS = 20 * SECOND_MS;
const START = Date.parse('2026-11-23T10:00:00+05:30');

describe('an alarm', () => {
  let clock: SettableClock;
  let due: number;
  let rings: number[];
  let ring: () => Promise<void>;
  let alarm: Alarm;

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    clock = createSettableClock(START);
    rings = [];
    due = START + HOUR_MS;
    ring = () => {
      due = Number.POSITIVE_INFINITY;
      return Promise.resolve();
    };
    alarm = createTimer({
      clock,
      at: () => due,
      ring: () => {
        rings.push(clock.now() - START);
        return ring();
      },
    });
    alarm.start();
  });
  afterEach(() => {
    alarm.stop();
    vi.useRealTimers();
  });

  /** The clock on the wall and the machine's timers, in step. */
  async function pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= SECOND_MS) {
      const step = Math.min(left, SECOND_MS);
      clock.advance(step);
      await vi.advanceTimersByTimeAsync(step);
    }
  }

  it('rings at the instant, and not a millisecond before', async () => {
    await pass(HOUR_MS - 1);
    expect(rings).toEqual([]);
    await pass(1);
    expect(rings).toEqual([HOUR_MS]);
  });

  it('rings once for each time that it is due', async () => {
    ring = () => {
      due += HOUR_MS;
      return Promise.resolve();
    };
    await pass(3 * HOUR_MS + 10 * SECOND_MS);
    expect(rings).toEqual([HOUR_MS, 2 * HOUR_MS, 3 * HOUR_MS]);
  });

  it('sees within its longest sleep that the clock has jumped ahead: a suspended machine', async () => {
    await pass(5 * SECOND_MS);
    clock.advance(2 * HOUR_MS);
    await pass(LONGEST_SLEEP_MS);
    expect(rings).toHaveLength(1);
  });

  it('does not ring early when the clock was put back while it slept', async () => {
    due = START + 10 * SECOND_MS;
    alarm.rearm();
    clock.advance(-HOUR_MS);
    await pass(HOUR_MS + 9 * SECOND_MS);
    expect(rings).toEqual([]);
    await pass(SECOND_MS);
    expect(rings).toHaveLength(1);
  });

  it('does not ring again when the clock is put back behind what was rung for', async () => {
    due = START + 10 * SECOND_MS;
    alarm.rearm();
    ring = () => {
      due = START + 24 * HOUR_MS;
      return Promise.resolve();
    };
    await pass(10 * SECOND_MS);
    clock.advance(-5 * SECOND_MS);
    await pass(60 * SECOND_MS);
    expect(rings).toHaveLength(1);
  });

  it('rings at once when it is due already', async () => {
    due = START - HOUR_MS;
    alarm.rearm();
    await vi.advanceTimersByTimeAsync(1);
    expect(rings).toEqual([0]);
  });

  it('takes a new time at once when rearmed', async () => {
    due = START + 3 * SECOND_MS;
    alarm.rearm();
    await pass(3 * SECOND_MS);
    expect(rings).toEqual([3 * SECOND_MS]);
  });

  it('takes a new time within its longest sleep when nobody rearms it', async () => {
    due = START + SECOND_MS;
    await pass(LONGEST_SLEEP_MS);
    expect(rings).toHaveLength(1);
  });

  it('never rings while it is ringing', async () => {
    let finish = (): void => undefined;
    ring = () =>
      new Promise((resolve) => {
        finish = resolve;
      });
    await pass(HOUR_MS + 60 * SECOND_MS);
    alarm.rearm();
    await pass(60 * SECOND_MS);
    expect(rings).toEqual([HOUR_MS]);
    due = Number.POSITIVE_INFINITY;
    finish();
    await pass(60 * SECOND_MS);
    expect(rings).toEqual([HOUR_MS]);
  });

  it('tries work that failed and is still due again, without hammering', async () => {
    ring = () => Promise.resolve();
    await pass(HOUR_MS);
    rings = [];
    await pass(10 * SECOND_MS);
    expect(rings.length).toBeGreaterThanOrEqual(5);
    expect(rings.length).toBeLessThanOrEqual(11);
  });

  it('never rings when there is nothing to ring for', async () => {
    due = Number.POSITIVE_INFINITY;
    alarm.rearm();
    await pass(2 * HOUR_MS);
    expect(rings).toEqual([]);
  });

  it('is silent once stopped, also when that happens while it rings', async () => {
    ring = () => {
      alarm.stop();
      return Promise.resolve();
    };
    await pass(HOUR_MS);
    expect(rings).toEqual([HOUR_MS]);
    await pass(HOUR_MS);
    expect(rings).toEqual([HOUR_MS]);
    alarm.rearm();
    await pass(HOUR_MS);
    expect(rings).toEqual([HOUR_MS]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
