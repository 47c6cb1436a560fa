import { LATENCY_BUCKETS, latencyBucketOf } from '../../core/latency-histogram.ts';
import type { ServedRequest } from '../../http/request-watch.ts';

/** What was asked of one class of routes. */
export interface ClassLoad {
  readonly requests: number;
  /** Answered with 404. */
  readonly notFound: number;
  /** With 4xx, 404 not counted. */
  readonly clientErrors: number;
  readonly serverErrors: number;
  /** By how long they took, but for those that waited on purpose. */
  readonly buckets: readonly number[];
  /** Of those in the buckets, together. */
  readonly totalMs: number;
}

export type Counts = { -readonly [Name in keyof Omit<ClassLoad, 'buckets'>]: number } & { buckets: number[] };

export function newCounts(): Counts {
  const buckets = Array.from({ length: LATENCY_BUCKETS }, () => 0);
  return { requests: 0, notFound: 0, clientErrors: 0, serverErrors: 0, totalMs: 0, buckets };
}

type Counted = Pick<ServedRequest, 'status' | 'durationMs' | 'waited'>;

export function count(counts: Counts, { status, durationMs, waited }: Counted): void {
  counts.requests += 1;
  if (status === 404) counts.notFound += 1;
  else if (status >= 500) counts.serverErrors += 1;
  else if (status >= 400) counts.clientErrors += 1;
  if (waited) return;
  const bucket = latencyBucketOf(durationMs);
  counts.buckets[bucket] = (counts.buckets[bucket] ?? 0) + 1;
  counts.totalMs += durationMs;
}

export function addCounts(
  sum: Counts,
  more: Omit<ClassLoad, 'totalMs'> & { readonly totalMs?: number },
): void {
  sum.requests += more.requests;
  sum.notFound += more.notFound;
  sum.clientErrors += more.clientErrors;
  sum.serverErrors += more.serverErrors;
  sum.totalMs += more.totalMs ?? 0;
  for (const [bucket, requests] of more.buckets.entries())
    sum.buckets[bucket] = (sum.buckets[bucket] ?? 0) + requests;
}

/** The share of requests that were refused, from 0 to 1; 404 counts as well. */
export function refusedShare({ requests, notFound, clientErrors }: Omit<ClassLoad, 'totalMs'>): number {
  return requests === 0 ? 0 : (notFound + clientErrors) / requests;
}

/** The share of requests that failed, from 0 to 1. */
export function failedShare({ requests, serverErrors }: Omit<ClassLoad, 'totalMs'>): number {
  return requests === 0 ? 0 : serverErrors / requests;
}
