import type { Clock } from '../../core/clock.ts';
import { DAY_MS, MINUTE_MS } from '../../core/duration.ts';
import { startOfIstDay } from '../../core/ist.ts';

/** A month of counts by the hour; what is older than yesterday comes as one row for a day. */
export interface HourHistory<Row> {
  read(): Promise<readonly Row[]>;
}

export interface HourHistoryDeps<Row> {
  readonly clock: Clock;
  /** All rows of hours that begin at an instant or later. */
  readonly since: (instant: number) => Promise<readonly Row[]>;
  readonly toDays: (rows: readonly Row[]) => readonly Row[];
}

const DAYS = 30;
/** Hours that are over hardly change: only a node that could not write for long adds to them. */
const OLD_KEPT_MS = 10 * MINUTE_MS;

/**
 * Yesterday and today are read each time, what is older once in ten minutes: a page that is looked at and asks every few
 * seconds would read ten thousand rows each time, and all but a few hundred would be what they were.
 */
export function createHourHistory<Row extends { readonly hour: number }>(
  deps: HourHistoryDeps<Row>,
): HourHistory<Row> {
  const { clock, since, toDays } = deps;
  let old: { readonly until: number; readonly readAt: number; readonly rows: readonly Row[] } | undefined;

  async function readOld(until: number): Promise<readonly Row[]> {
    const now = clock.now();
    const isFresh = old?.until === until && now >= old.readAt && now - old.readAt < OLD_KEPT_MS;
    if (old !== undefined && isFresh) return old.rows;
    const found = await since(until - (DAYS - 2) * DAY_MS);
    const rows = toDays(found.filter(({ hour }) => hour < until));
    old = { until, readAt: now, rows };
    return rows;
  }

  return {
    async read() {
      const yesterday = startOfIstDay(clock.now()) - DAY_MS;
      const older = await readOld(yesterday);
      return [...older, ...(await since(yesterday))];
    },
  };
}
