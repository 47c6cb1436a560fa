import { LATENCY_BUCKETS, latencyBucketOf } from '../core/latency-histogram.ts';

/** Counts of requests, by outcome. */
export interface RequestCounts {
  readonly requests: number;
  /** Answered with 404. */
  readonly notFound: number;
  /** With 4xx, 404 not counted. */
  readonly clientErrors: number;
  readonly serverErrors: number;
  /** By how long they took, but for those that waited on purpose: the buckets of `LATENCY_BOUNDS_MS`. */
  readonly buckets: readonly number[];
}

/** Counts that are still going on. */
export type Counting<Counts extends RequestCounts> = {
  -readonly [Name in keyof Omit<Counts, 'buckets'>]: Counts[Name];
} & { buckets: number[] };

/** Facts to count of a request. */
export interface CountedRequest {
  readonly status: number;
  readonly durationMs: number;
  /** It waited on purpose: how long it took is not counted. */
  readonly waited?: boolean;
}

export function newRequestCounts(): Counting<RequestCounts> {
  const buckets = Array.from({ length: LATENCY_BUCKETS }, () => 0);
  return { requests: 0, notFound: 0, clientErrors: 0, serverErrors: 0, buckets };
}

export function countRequest(
  counts: Counting<RequestCounts>,
  { status, durationMs, waited }: CountedRequest,
): void {
  counts.requests += 1;
  if (status === 404) counts.notFound += 1;
  else if (status >= 500) counts.serverErrors += 1;
  else if (status >= 400) counts.clientErrors += 1;
  if (waited) return;
  const bucket = latencyBucketOf(durationMs);
  counts.buckets[bucket] = (counts.buckets[bucket] ?? 0) + 1;
}
