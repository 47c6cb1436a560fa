import { describe, expect, it } from 'vitest';
import { pauseAfter } from '../../src/telegram/message-pace.ts';

const SECOND_MS = 1000;

describe('The pace of messages', () => {
  it('is one a second, and slower the longer a burst lasts, up to one a minute', () => {
    const pauses: number[] = [];
    let [now, answeredAt, paceMs] = [1_000_000, 0, 0];
    for (let each = 0; each < 9; each += 1) {
      paceMs = pauseAfter({ now, answeredAt, paceMs });
      pauses.push(paceMs / SECOND_MS);
      answeredAt = now;
      now += paceMs;
    }
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
  });

  it('begins anew after two quiet minutes', () => {
    const burst = { answeredAt: 0, paceMs: 60 * SECOND_MS };
    expect(pauseAfter({ ...burst, now: 120 * SECOND_MS - 1 })).toBe(60 * SECOND_MS);
    expect(pauseAfter({ ...burst, now: 120 * SECOND_MS })).toBe(SECOND_MS);
  });
});
