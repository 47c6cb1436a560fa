import type { Clock } from '../../core/clock.ts';
import { DAY_MS } from '../../core/duration.ts';
import type { Log } from '../../core/log.ts';
import { createRemovalInBatches, type RemovalInBatches } from '../../storage/removal-in-batches.ts';
import type { TrafficHourStore } from './traffic-hour-store.ts';
import type { TrafficStore } from './traffic-store.ts';

export type TrafficPurge = RemovalInBatches;

export interface TrafficPurgeDeps {
  readonly store: Pick<TrafficStore, 'removeBefore' | 'removeBeyond'>;
  readonly hourStore: Pick<TrafficHourStore, 'removeBefore'>;
  /** TRAFFIC_LOG_DAYS in milliseconds; 0 for none at all. */
  readonly retentionMs: number;
  /** TRAFFIC_LOG_ROWS. */
  readonly mostRows: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Four milliseconds on SQLite, in which no other request is answered. */
const BATCH = 200;
/** So others are served most of the time, and a big purge is spread over minutes. */
const PAUSE_MS = 25;

/** A year ago is still there to compare with. */
const HOURS_KEPT_MS = 400 * DAY_MS;

/** Removes what is older than the retention, and of the rest what is too much, in batches, on any number of nodes. */
export function createTrafficPurge({
  store,
  hourStore,
  retentionMs,
  mostRows,
  clock,
  log,
}: TrafficPurgeDeps): TrafficPurge {
  return createRemovalInBatches({
    async removeSome() {
      const old = await store.removeBefore(clock.now() - retentionMs, BATCH);
      return old > 0 ? old : store.removeBeyond(mostRows, BATCH);
    },
    finish: () => hourStore.removeBefore(clock.now() - HOURS_KEPT_MS),
    pauseMs: PAUSE_MS,
    failure: 'Old traffic could not be removed; it is tried again',
    log,
  });
}
