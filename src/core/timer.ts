import type { Clock } from './clock.ts';
import { SECOND_MS } from './duration.ts';

/** The longest sleep without a look at the clock: a suspended machine or a changed clock is seen within this time. */
const LONGEST_SLEEP_MS = 20 * SECOND_MS;

/** After ringing, at the least: what is still due because it failed is tried again, but not in a busy loop. */
const SHORTEST_PAUSE_MS = SECOND_MS;

export interface AlarmDeps {
  readonly clock: Clock;
  /** When to ring next, in ms since the epoch; Infinity for not at all. Asked again after every sleep. */
  readonly at: () => number;
  /** Must not reject. The alarm sleeps again when it has settled. */
  readonly ring: () => Promise<void>;
  readonly longestSleepMs?: number;
}

export interface Alarm {
  start(): void;
  /** Looks at the clock again: what `at` answers has changed. */
  rearm(): void;
  stop(): void;
}

/** A timer that believes the clock and not its own sleep. */
export function createTimer({ clock, at, ring, longestSleepMs = LONGEST_SLEEP_MS }: AlarmDeps): Alarm {
  let timer: NodeJS.Timeout | undefined;
  let running = false;
  let ringing = false;

  function sleep(shortestMs = 0): void {
    clearTimeout(timer);
    if (!running || ringing) return;
    const waitMs = Math.min(longestSleepMs, Math.max(shortestMs, at() - clock.now()));
    timer = setTimeout(() => void wake(), waitMs);
  }

  async function wake(): Promise<void> {
    if (at() > clock.now()) return sleep();
    ringing = true;
    await ring();
    ringing = false;
    sleep(SHORTEST_PAUSE_MS);
  }

  return {
    start() {
      running = true;
      sleep();
    },
    rearm: () => sleep(),
    stop() {
      running = false;
      clearTimeout(timer);
    },
  };
}
