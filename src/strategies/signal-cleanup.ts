import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import { createRemovalInBatches, type RemovalInBatches } from '../storage/removal-in-batches.ts';
import type { MostSignals, SignalRemoval } from './signal-removal-store.ts';
import type { StrategyStore } from './strategy-store.ts';

export interface SignalTidyingDeps {
  readonly signals: SignalRemoval;
  readonly store: Pick<StrategyStore, 'removeDeleted'>;
  /** SIGNAL_RETENTION, in milliseconds. */
  readonly retentionMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

export type SignalCleanup = RemovalInBatches;

/** Small enough not to slow down a request that waits behind one. */
const BATCH = 500;

/** A sender who knows a webhook's address can have signals refused all day. */
export const MOST_SIGNALS: MostSignals = { accepted: 200_000, refused: 5_000 };

/** Removes what is older than the retention, what belonged to deleted strategies, and what is too much, in batches. */
export function createSignalCleanup(deps: SignalTidyingDeps): SignalCleanup {
  const { signals, store, retentionMs, clock, log } = deps;
  return createRemovalInBatches({
    async removeSome() {
      const stale = await signals.removeStale(clock.now() - retentionMs, BATCH);
      return stale > 0 ? stale : signals.removeSurplus(MOST_SIGNALS, BATCH);
    },
    finish: () => store.removeDeleted(BATCH),
    pauseMs: 0,
    failure: 'Old signals could not be removed; it is tried again',
    log,
  });
}
