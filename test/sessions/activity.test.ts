import { beforeEach, describe, expect, it } from 'vitest';
import { type Activity, createActivity } from '../../src/sessions/activity.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';

const SECOND_MS = 1000;
const START = 1_800_000_000_000;

describe('the uses of sessions', () => {
  let clock: SettableClock;
  let idleLimitMs: number;
  let written: (readonly [string, number])[];
  let failure: Error | undefined;
  let errors: unknown[];
  let activity: Activity;

  beforeEach(() => {
    clock = createSettableClock(START);
    idleLimitMs = 1800 * SECOND_MS;
    written = [];
    failure = undefined;
    errors = [];
    activity = createActivity({
      clock,
      idleLimitMs: () => idleLimitMs,
      write: (sid, lastSeen) => {
        if (failure !== undefined) return Promise.reject(failure);
        written.push([sid, (lastSeen - START) / SECOND_MS]);
        return Promise.resolve();
      },
      onError: (error) => errors.push(error),
    });
  });

  const useAt = (seconds: number, sid = 'a') => {
    clock.set(START + seconds * SECOND_MS);
    return activity.noteUse(sid);
  };

  it('are due to be written once in a minute, for each session', () => {
    expect([useAt(0), useAt(1), useAt(59), useAt(60), useAt(61), useAt(120)]).toEqual([
      true,
      false,
      false,
      true,
      false,
      true,
    ]);
    expect(useAt(121, 'b')).toBe(true);
  });

  it('are due three times within a short limit', () => {
    idleLimitMs = 15 * SECOND_MS;
    expect([useAt(0), useAt(4), useAt(5), useAt(9), useAt(10)]).toEqual([true, false, true, false, true]);
  });

  it('are each due within a very short one', async () => {
    idleLimitMs = 14 * SECOND_MS;
    expect([useAt(0), useAt(0), useAt(1), useAt(2)]).toEqual([true, true, true, true]);
    await activity.flush({ all: true });
    expect(written).toEqual([]);
  });

  it('need no write of their own right after a save', async () => {
    activity.noteWritten('a');
    expect(useAt(30)).toBe(false);
    clock.set(START + 60 * SECOND_MS);
    await activity.flush();
    expect(written).toEqual([['a', 30]]);
  });

  it('are written with the time of the last one when the minute is over, once', async () => {
    useAt(0);
    useAt(10);
    useAt(40);
    clock.set(START + 59 * SECOND_MS);
    await activity.flush();
    expect(written).toEqual([]);
    clock.set(START + 60 * SECOND_MS);
    await activity.flush();
    await activity.flush({ all: true });
    expect(written).toEqual([['a', 40]]);
  });

  it('are all written when the server closes', async () => {
    useAt(0);
    useAt(0, 'b');
    useAt(5);
    useAt(6, 'b');
    await activity.flush({ all: true });
    expect(written).toEqual([
      ['a', 5],
      ['b', 6],
    ]);
  });

  it('need nothing written that was written already', async () => {
    useAt(0);
    useAt(10);
    useAt(70);
    await activity.flush({ all: true });
    expect(written).toEqual([]);
  });

  it('are due at once when the clock was put back', () => {
    useAt(1000);
    expect(useAt(500)).toBe(true);
  });

  it('that could not be written are written next time, and reported once for all', async () => {
    for (const sid of ['a', 'b', 'c']) {
      useAt(0, sid);
      useAt(30, sid);
    }
    failure = new Error('down');
    clock.set(START + 60 * SECOND_MS);
    await activity.flush();
    expect(errors).toEqual([failure]);
    failure = undefined;
    clock.set(START + 65 * SECOND_MS);
    await activity.flush();
    expect(written).toEqual([
      ['a', 30],
      ['b', 30],
      ['c', 30],
    ]);
  });
});
