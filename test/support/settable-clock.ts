import type { Clock } from '../../src/core/clock.ts';

/** A clock that stands still until a test moves it. */
export interface SettableClock extends Clock {
  set(instant: number | string): void;
  advance(ms: number): void;
}

/** Starts at an instant: ms since the epoch, or ISO 8601 with an offset. */
export function createSettableClock(start: number | string): SettableClock {
  let now = toMillis(start);
  return {
    now: () => now,
    set(instant) {
      now = toMillis(instant);
    },
    advance(ms) {
      now += ms;
    },
  };
}

function toMillis(instant: number | string): number {
  const ms = typeof instant === 'number' ? instant : Date.parse(instant);
  if (Number.isNaN(ms)) throw new Error(`Not an instant: ${instant}`);
  return ms;
}
