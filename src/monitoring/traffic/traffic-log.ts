import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Request } from 'express';
import type { Clock } from '../../core/clock.ts';
import { SECOND_MS } from '../../core/duration.ts';
import type { Log } from '../../core/log.ts';
import { createPoller, type Poller } from '../../core/poller.ts';
import type { ClientSubject } from '../../http/client-address.ts';
import { createRefusalSampler } from '../../http/refusal-sampler.ts';
import type { RequestObserver } from '../../http/request-watch.ts';
import { isDatabaseFailure } from '../../storage/database-failure.ts';
import type { ClientMark } from './client-mark.ts';
import { createTrafficBuffer, type TrafficBatch } from './traffic-buffer.ts';
import { isWorthARow, type TrafficEntry, toTrafficEntry } from './traffic-entry.ts';
import type { TrafficStore } from './traffic-store.ts';

/** Keeps requests in memory and writes them in batches, off their path. */
export interface TrafficLog extends Pick<Poller, 'start' | 'stop'> {
  readonly observe: RequestObserver;
  /**
   * Writes everything that waits; with `atOnce`, what was counted in this minute as well. Rejects, and keeps it, when the
   * database is away.
   */
  flush(options?: { readonly atOnce?: boolean }): Promise<void>;
  /** Since the process started: entries that were written, that wait, and that were dropped. */
  readonly written: number;
  readonly waiting: number;
  readonly dropped: number;
  /** Refusals that were counted, and have no entry of their own. */
  readonly counted: number;
}

export interface TrafficLogDeps {
  readonly store: Pick<TrafficStore, 'write'>;
  readonly mark: Pick<ClientMark, 'of'>;
  readonly clientSubject: (req: Request) => ClientSubject;
  /** Off: requests are counted, and none of them gets a row. */
  readonly keepsRows: boolean;
  readonly clock: Clock;
  readonly log: Log;
  /** Called when some thousands of rows were written, so that the purge keeps their number. */
  readonly onManyRows?: () => void;
  readonly mostWaiting?: number;
}

/** Rows of a few hundred bytes: some megabytes while the database is slow or away. */
const MOST_WAITING = 10_000;
/** SQLite writes within a turn of the event loop: one to two milliseconds for so many. */
export const ENTRIES_AT_ONCE = 100;
const EVERY_MS = SECOND_MS;
const MANY_ROWS = 5_000;
/** Seconds after which a failure is worth a line: another process may be writing to the SQLite file. */
const FAILURES_FORGIVEN = 4;

export function createTrafficLog(deps: TrafficLogDeps): TrafficLog {
  const { store, mark, clientSubject, keepsRows, clock, log, onManyRows, mostWaiting = MOST_WAITING } = deps;
  const sampler = createRefusalSampler({ clock, clientSubject });
  const buffer = createTrafficBuffer({ mostEntries: mostWaiting, entriesAtOnce: ENTRIES_AT_ONCE });
  /** Taken from the buffer. The same is tried again, so that the store can tell whether it has it. */
  let batch: TrafficBatch | undefined;
  let written = 0;
  let dropped = 0;
  let droppedBefore = 0;
  let flushing: Promise<void> | undefined;

  function observe(served: Parameters<RequestObserver>[0]): void {
    buffer.count(served);
    if (!keepsRows || !isWorthARow(served) || !sampler.takesInFull(served)) return;
    const { req, ...request } = served;
    keep(toTrafficEntry(request, mark.of(clientSubject(req).address)));
  }

  function keep(entry: TrafficEntry): void {
    if (buffer.add(entry)) return;
    if (dropped === droppedBefore)
      log.warn(
        { waiting: buffer.waiting },
        'Requests go without a row in the traffic log: the database is too slow',
      );
    dropped += 1;
  }

  function keepSummaries(options?: { readonly atOnce?: boolean }): void {
    for (const { last, address, requests } of sampler.takeSummaries(options))
      keep(toTrafficEntry(last, address === undefined ? null : mark.of(address), requests));
  }

  function flush(options?: { readonly atOnce?: boolean }): Promise<void> {
    keepSummaries(options);
    flushing ??= writeAll().finally(() => {
      flushing = undefined;
    });
    return flushing;
  }

  async function writeAll(): Promise<void> {
    for (batch ??= buffer.take(); batch !== undefined; batch = buffer.take()) {
      await write(batch);
      await nextTurn();
    }
    if (dropped > droppedBefore)
      log.info({ dropped: dropped - droppedBefore }, 'The traffic log has caught up, but for some requests');
    droppedBefore = dropped;
  }

  async function write({ entries, hours }: TrafficBatch): Promise<void> {
    try {
      await store.write({ entries, hours });
      const before = written;
      written += entries.length;
      if (Math.floor(before / MANY_ROWS) < Math.floor(written / MANY_ROWS)) onManyRows?.();
    } catch (error) {
      if (isDatabaseFailure(error)) throw error;
      // The database will refuse a refused batch again: one such batch must not stop the log.
      log.error(
        { err: error, entries: entries.length },
        'A part of the traffic log was refused and is left out',
      );
      dropped += entries.length;
    }
  }

  const poller = createWriting(flush, log);

  return {
    observe,
    flush,
    start: poller.start,
    async stop() {
      await poller.stop();
      await flush({ atOnce: true }).catch((error: unknown) => {
        const lost = buffer.waiting + (batch?.entries.length ?? 0);
        log.error({ err: error, lost }, 'The end of the traffic log could not be written');
      });
    },
    get written() {
      return written;
    },
    get waiting() {
      return buffer.waiting + (batch?.entries.length ?? 0);
    },
    get dropped() {
      return dropped;
    },
    get counted() {
      return sampler.counted;
    },
  };
}

/** Writes again and again, and tells of failures that last. */
function createWriting(flush: () => Promise<void>, log: Log): Poller {
  let failures = 0;
  return createPoller({
    intervalMs: EVERY_MS,
    async work() {
      await flush();
      if (failures > FAILURES_FORGIVEN) log.info({}, 'The traffic log is written again');
      failures = 0;
    },
    onError(error) {
      failures += 1;
      if (failures === FAILURES_FORGIVEN + 1)
        log.warn({ err: error }, 'The traffic log cannot be written and is tried again');
    },
  });
}
