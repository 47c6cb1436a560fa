/** The upper bounds of the buckets in milliseconds, each inclusive, ascending. What took longer is in one more bucket. */
export const LATENCY_BOUNDS_MS = [5, 10, 25, 50, 100, 250, 500, 1000, 2500] as const;

/** How many buckets there are: one for each bound, and the last for what took longer than all of them. */
export const LATENCY_BUCKETS = LATENCY_BOUNDS_MS.length + 1;

/** The bucket that a duration in milliseconds falls into, from 0 to 9. */
export function latencyBucketOf(ms: number): number {
  let bucket = 0;
  for (const bound of LATENCY_BOUNDS_MS) if (ms > bound) bucket += 1;
  return bucket;
}

/**
 * How many milliseconds the share `q` (0 to 1) of the requests took at the most, by counts for each bucket. Within a
 * bucket they are taken to lie evenly, as Prometheus's `histogram_quantile` does; what is in the last bucket took longer
 * than the last bound, which is then the answer. Undefined when nothing is counted.
 */
export function quantileMs(counts: readonly number[], q: number): number | undefined {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return undefined;
  const rank = q * total;
  let below = 0;
  let lower = 0;
  for (const [bucket, upper] of LATENCY_BOUNDS_MS.entries()) {
    const count = counts[bucket] ?? 0;
    if (count > 0 && below + count >= rank) return lower + ((upper - lower) * (rank - below)) / count;
    below += count;
    lower = upper;
  }
  return lower;
}
