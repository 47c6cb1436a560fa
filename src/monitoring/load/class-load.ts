import {
  type CountedRequest,
  type Counting,
  countRequest,
  newRequestCounts,
  type RequestCounts,
} from '../request-counts.ts';

/** Load of one class of routes. */
export interface ClassLoad extends RequestCounts {
  /** Milliseconds that those in the buckets took, together. */
  readonly totalMs: number;
}

/** An hour of one class of routes, of all nodes. */
export interface LoadHour extends Omit<ClassLoad, 'totalMs'> {
  /** The instant at which it begins, in milliseconds since the epoch. */
  readonly hour: number;
  readonly routeClass: string;
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

/** The share of requests that failed, from 0 to 1. */
export function failedShare({ requests, serverErrors }: RequestCounts): number {
  return requests === 0 ? 0 : serverErrors / requests;
}
