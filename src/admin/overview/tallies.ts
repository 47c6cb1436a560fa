import type { TrafficHour } from '../../monitoring/traffic/hour-tally.ts';
import { type AuditHour, addTraffic } from './hour-rows.ts';
import { bucketIndex, type Period } from './period.ts';

/** How many events of each kind there were in each bucket of a period. */
export type EventTally = readonly ReadonlyMap<string, number>[];

/** Counts of requests in one bucket, of some classes of routes together. */
export type TrafficCounts = Omit<TrafficHour, 'hour' | 'routeClass'>;

const NO_TRAFFIC: TrafficCounts = {
  requests: 0,
  notFound: 0,
  clientErrors: 0,
  serverErrors: 0,
  buckets: [],
};

/** Hours without rows count as zero. */
export function tallyEvents(rows: readonly AuditHour[], period: Period): EventTally {
  const tally = period.buckets.map(() => new Map<string, number>());
  for (const { hour, kind, events } of rows) {
    const bucket = tally[bucketIndex(period, hour)];
    bucket?.set(kind, (bucket.get(kind) ?? 0) + events);
  }
  return tally;
}

export function tallyTraffic(
  rows: readonly TrafficHour[],
  period: Period,
  isCounted: (routeClass: string) => boolean = () => true,
): readonly TrafficCounts[] {
  const tally = period.buckets.map(() => NO_TRAFFIC);
  for (const row of rows) {
    if (!isCounted(row.routeClass)) continue;
    const index = bucketIndex(period, row.hour);
    const counts = tally[index];
    if (counts !== undefined) tally[index] = addTraffic(counts, row);
  }
  return tally;
}

/** For each bucket the events whose kind fits. */
export function countKinds(tally: EventTally, fits: (kind: string) => boolean): readonly number[] {
  return tally.map((bucket) => {
    let sum = 0;
    for (const [kind, events] of bucket) if (fits(kind)) sum += events;
    return sum;
  });
}
