import { startOfIstDay } from '../../core/ist.ts';
import type { TrafficHour } from '../../monitoring/traffic/hour-tally.ts';

/** Events of one kind in an hour of an Indian clock that begins at `hour` (milliseconds since the epoch). */
export interface AuditHour {
  readonly hour: number;
  /** The type of the event, for some with the reason behind it: `session.ended:cutoff`. */
  readonly kind: string;
  readonly events: number;
}

/** The same events as one row for each day and kind, which begins at midnight. */
export function auditByDay(rows: readonly AuditHour[]): readonly AuditHour[] {
  return byDay(
    rows,
    ({ kind }) => kind,
    (a, b) => ({ ...a, events: a.events + b.events }),
  );
}

/** The same requests as one row for each day and class of routes. */
export function trafficByDay(rows: readonly TrafficHour[]): readonly TrafficHour[] {
  return byDay(rows, ({ routeClass }) => routeClass, addTraffic);
}

export function addTraffic<Counts extends Omit<TrafficHour, 'hour' | 'routeClass'>>(
  a: Counts,
  b: Omit<TrafficHour, 'hour' | 'routeClass'>,
): Counts {
  return {
    ...a,
    requests: a.requests + b.requests,
    notFound: a.notFound + b.notFound,
    clientErrors: a.clientErrors + b.clientErrors,
    serverErrors: a.serverErrors + b.serverErrors,
    buckets: addEach(a.buckets, b.buckets),
  };
}

export function addEach(a: readonly number[], b: readonly number[]): readonly number[] {
  return Array.from(
    { length: Math.max(a.length, b.length) },
    (_, index) => (a[index] ?? 0) + (b[index] ?? 0),
  );
}

function byDay<Row extends { readonly hour: number }>(
  rows: readonly Row[],
  keyOf: (row: Row) => string,
  add: (a: Row, b: Row) => Row,
): readonly Row[] {
  const days = new Map<string, Row>();
  for (const row of rows) {
    const hour = startOfIstDay(row.hour);
    const key = `${hour} ${keyOf(row)}`;
    const sum = days.get(key);
    days.set(key, sum === undefined ? { ...row, hour } : add(sum, row));
  }
  return [...days.values()];
}
