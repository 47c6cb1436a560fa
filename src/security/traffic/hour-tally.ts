import { startOfIstHour } from '../../core/ist.ts';
import { LATENCY_BUCKETS, latencyBucketOf } from '../../core/latency-histogram.ts';

/** What was asked of one class of routes within an hour. */
export interface TrafficHour {
  /** The instant at which it begins, in milliseconds since the epoch. */
  readonly hour: number;
  readonly routeClass: string;
  readonly requests: number;
  /** Answered with 404. */
  readonly notFound: number;
  /** With 4xx, 404 not counted. */
  readonly clientErrors: number;
  readonly serverErrors: number;
  /** By how long they took: the buckets of `LATENCY_BOUNDS_MS`. */
  readonly buckets: readonly number[];
}

/** What is counted of a request. */
export interface CountedRequest {
  readonly at: number;
  readonly routeClass: string;
  readonly status: number;
  readonly durationMs: number;
  /** It waited on purpose: how long it took is not counted. */
  readonly waited?: boolean;
}

export interface HourTally {
  add(request: CountedRequest): void;
  /** What was counted since the last time, ordered, so that two nodes never wait for each other's rows crosswise. */
  take(): readonly TrafficHour[];
}

type Counts = { -readonly [Name in keyof Omit<TrafficHour, 'buckets'>]: TrafficHour[Name] } & {
  buckets: number[];
};

/** Counts requests by hour and class of routes. Never more than a few entries for each hour, however many requests. */
export function createHourTally(): HourTally {
  let hours = new Map<string, Counts>();
  return {
    add({ at, routeClass, status, durationMs, waited }) {
      const hour = startOfIstHour(at);
      const key = `${hour} ${routeClass}`;
      const counts = hours.get(key) ?? newCounts(hour, routeClass);
      hours.set(key, counts);
      counts.requests += 1;
      if (status === 404) counts.notFound += 1;
      else if (status >= 500) counts.serverErrors += 1;
      else if (status >= 400) counts.clientErrors += 1;
      if (waited) return;
      const bucket = latencyBucketOf(durationMs);
      counts.buckets[bucket] = (counts.buckets[bucket] ?? 0) + 1;
    },
    take() {
      const taken = [...hours].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, counts]) => counts);
      hours = new Map();
      return taken;
    },
  };
}

function newCounts(hour: number, routeClass: string): Counts {
  const buckets = Array.from({ length: LATENCY_BUCKETS }, () => 0);
  return { hour, routeClass, requests: 0, notFound: 0, clientErrors: 0, serverErrors: 0, buckets };
}
