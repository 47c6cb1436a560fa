import type { TrafficHour } from './hour-tally.ts';
import { type CountedRequest, createHourTally } from './hour-tally.ts';
import type { TrafficEntry } from './traffic-entry.ts';

/** The writes of one transaction. */
export interface TrafficBatch {
  readonly entries: readonly TrafficEntry[];
  readonly hours: readonly TrafficHour[];
}

/** Requests that are not written yet. */
export interface TrafficBuffer {
  count(request: CountedRequest): void;
  /** False when there is no room. */
  add(entry: TrafficEntry): boolean;
  /** The oldest entries, and all counts; undefined when there is nothing. */
  take(): TrafficBatch | undefined;
  readonly waiting: number;
}

export interface TrafficBufferOptions {
  /** Entries that may wait. Counts are few, so they always may. */
  readonly mostEntries: number;
  readonly entriesAtOnce: number;
}

export function createTrafficBuffer({ mostEntries, entriesAtOnce }: TrafficBufferOptions): TrafficBuffer {
  const tally = createHourTally();
  const entries: TrafficEntry[] = [];
  return {
    count: tally.add,
    add(entry) {
      if (entries.length >= mostEntries) return false;
      entries.push(entry);
      return true;
    },
    take() {
      const batch = { entries: entries.splice(0, entriesAtOnce), hours: tally.take() };
      return batch.entries.length === 0 && batch.hours.length === 0 ? undefined : batch;
    },
    get waiting() {
      return entries.length;
    },
  };
}
