import {
  type CountedRequest,
  type Counting,
  countRequest,
  newRequestCounts,
  type RequestCounts,
} from '../request-counts.ts';

/** What was asked of one class of routes. */
export interface ClassLoad extends RequestCounts {
  /** Milliseconds that those in the buckets took, together. */
  readonly totalMs: number;
}

export type Counts = Counting<ClassLoad>;

export const newCounts = (): Counts => ({ ...newRequestCounts(), totalMs: 0 });

export function count(counts: Counts, request: CountedRequest): void {
  countRequest(counts, request);
  if (!request.waited) counts.totalMs += request.durationMs;
}

export function addCounts(sum: Counts, more: RequestCounts & { readonly totalMs?: number }): void {
  sum.requests += more.requests;
  sum.notFound += more.notFound;
  sum.clientErrors += more.clientErrors;
  sum.serverErrors += more.serverErrors;
  sum.totalMs += more.totalMs ?? 0;
  for (const [bucket, requests] of more.buckets.entries())
    sum.buckets[bucket] = (sum.buckets[bucket] ?? 0) + requests;
}

/** The share of requests that were refused, from 0 to 1; 404 counts as well. */
export function refusedShare({ requests, notFound, clientErrors }: RequestCounts): number {
  return requests === 0 ? 0 : (notFound + clientErrors) / requests;
}

/** The share of requests that failed, from 0 to 1. */
export function failedShare({ requests, serverErrors }: RequestCounts): number {
  return requests === 0 ? 0 : serverErrors / requests;
}
