import { setTimeout as sleep } from 'node:timers/promises';
import { MINUTE_MS } from '../core/duration.ts';
import type { Log } from '../core/log.ts';
import { createPoller, type Poller } from '../core/poller.ts';

/** Removes old rows, again and again. */
export interface RemovalInBatches extends Pick<Poller, 'start' | 'wake' | 'stop'> {
  /** Until nothing is left to remove; returns how many rows were. */
  run(): Promise<number>;
}

export interface RemovalInBatchesDeps {
  /** Removes some rows and says how many; 0 when none is left. So few that no request that waits for the database is slowed down. */
  readonly removeSome: () => Promise<number>;
  /** Work behind the last batch. */
  readonly finish: () => Promise<unknown>;
  /** Between batches, in which the others are served. */
  readonly pauseMs: number;
  /** For the log, when it fails. */
  readonly failure: string;
  readonly log: Log;
}

const EVERY_MS = 10 * MINUTE_MS;

/** Removes what is too old, in batches and every ten minutes, on any number of nodes. */
export function createRemovalInBatches(deps: RemovalInBatchesDeps): RemovalInBatches {
  const { removeSome, finish, pauseMs, failure, log } = deps;
  let stopping = false;

  async function run(): Promise<number> {
    let removed = 0;
    while (!stopping) {
      const batch = await removeSome();
      removed += batch;
      if (batch === 0) break;
      await sleep(pauseMs);
    }
    await finish();
    return removed;
  }

  const poller = createPoller({
    intervalMs: EVERY_MS,
    work: run,
    onError: (err) => log.error({ err }, failure),
  });
  return {
    start: poller.start,
    wake: poller.wake,
    stop() {
      stopping = true;
      return poller.stop();
    },
    run,
  };
}
