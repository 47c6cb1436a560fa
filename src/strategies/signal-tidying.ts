import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../core/clock.ts';
import { MINUTE_MS } from '../core/duration.ts';
import type { Log } from '../core/log.ts';
import { createPoller, type Poller } from '../core/poller.ts';
import type { SignalStore } from './signal-store.ts';
import type { StrategyStore } from './strategy-store.ts';

export interface SignalTidyingDeps {
  readonly signals: Pick<SignalStore, 'removeStale'>;
  readonly store: Pick<StrategyStore, 'removeDeleted'>;
  /** SIGNAL_RETENTION, in milliseconds. */
  readonly retentionMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

export interface SignalTidying extends Pick<Poller, 'start' | 'stop'> {
  /** Until nothing is left to remove; returns how many signals were. */
  run(): Promise<number>;
}

const EVERY_MS = 10 * MINUTE_MS;

/** Small enough that nobody who waits for the database behind one of them would notice. */
const PORTION = 500;

/** Removes what is older than the retention, and what belonged to deleted strategies, in portions. */
export function createSignalTidying(deps: SignalTidyingDeps): SignalTidying {
  const { signals, store, retentionMs, clock, log } = deps;

  let stopping = false;

  async function run(): Promise<number> {
    let removed = 0;
    while (!stopping) {
      const portion = await signals.removeStale(clock.now() - retentionMs, PORTION);
      removed += portion;
      if (portion === 0) break;
      await nextTurn();
    }
    await store.removeDeleted(PORTION);
    return removed;
  }

  const poller = createPoller({
    intervalMs: EVERY_MS,
    work: run,
    onError: (err) => log.error({ err }, 'Old signals could not be removed; it is tried again'),
  });
  return {
    start: poller.start,
    stop() {
      stopping = true;
      return poller.stop();
    },
    run,
  };
}
