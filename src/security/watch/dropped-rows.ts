import type { Clock } from '../../core/clock.ts';
import { WINDOW_MS } from './load-window.ts';

/** How many rows the traffic log of this node has lost of late. */
export interface DroppedRows {
  /** Asks for the count: to be called every now and then. */
  look(): void;
  /** Between the looks of the last five minutes. */
  recent(): number;
}

/** `total`: since the process started. */
export function createDroppedRows(total: () => number, clock: Clock): DroppedRows {
  let looks: readonly { readonly at: number; readonly total: number }[] = [{ at: clock.now(), total: 0 }];

  return {
    look() {
      const now = clock.now();
      // The one before the window stays: what the window has lost is counted from there.
      const first = looks.findLastIndex(({ at }) => at <= now - WINDOW_MS);
      looks = [...looks.slice(Math.max(0, first)), { at: now, total: total() }];
    },
    recent: () => (looks.at(-1)?.total ?? 0) - (looks[0]?.total ?? 0),
  };
}
