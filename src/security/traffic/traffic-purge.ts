import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../core/clock.ts';
import { DAY_MS, MINUTE_MS } from '../../core/duration.ts';
import type { Log } from '../../core/log.ts';
import { createPoller, type Poller } from '../../core/poller.ts';
import type { TrafficHourStore } from './traffic-hour-store.ts';
import type { TrafficStore } from './traffic-store.ts';

export interface TrafficPurge extends Pick<Poller, 'start' | 'stop'> {
  /** Until nothing is left to remove; returns how many entries were. */
  run(): Promise<number>;
}

export interface TrafficPurgeDeps {
  readonly store: Pick<TrafficStore, 'removeBefore'>;
  readonly hourStore: Pick<TrafficHourStore, 'removeBefore'>;
  /** TRAFFIC_LOG_DAYS in milliseconds; 0 for none at all. */
  readonly retentionMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

const EVERY_MS = 10 * MINUTE_MS;
/** Four milliseconds on SQLite, in which nobody else is answered. */
const PORTION = 200;
/** So others are served most of the time, and a big purge is spread over minutes. */
const PAUSE_MS = 25;

/** A year ago is still there to compare with. */
const HOURS_KEPT_MS = 400 * DAY_MS;

/** Removes what is older than the retention, in portions, on any number of nodes. */
export function createTrafficPurge({
  store,
  hourStore,
  retentionMs,
  clock,
  log,
}: TrafficPurgeDeps): TrafficPurge {
  let stopping = false;

  async function run(): Promise<number> {
    let removed = 0;
    while (!stopping) {
      const portion = await store.removeBefore(clock.now() - retentionMs, PORTION);
      removed += portion;
      if (portion < PORTION) break;
      await sleep(PAUSE_MS);
    }
    await hourStore.removeBefore(clock.now() - HOURS_KEPT_MS);
    return removed;
  }

  const poller = createPoller({
    intervalMs: EVERY_MS,
    work: run,
    onError: (err) => log.error({ err }, 'Old traffic could not be removed; it is tried again'),
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
