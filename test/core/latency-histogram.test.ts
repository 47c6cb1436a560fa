import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  LATENCY_BOUNDS_MS,
  LATENCY_BUCKETS,
  latencyBucketOf,
  quantileMs,
} from '../../src/core/latency-histogram.ts';

const empty = (): number[] => Array.from({ length: LATENCY_BUCKETS }, () => 0);

function histogramOf(durations: readonly number[]): number[] {
  const counts = empty();
  for (const ms of durations) counts[latencyBucketOf(ms)] = (counts[latencyBucketOf(ms)] ?? 0) + 1;
  return counts;
}

describe('the bucket of a duration', () => {
  it('has its upper bound in it', () => {
    expect(LATENCY_BOUNDS_MS.map((bound) => latencyBucketOf(bound))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(LATENCY_BOUNDS_MS.map((bound) => latencyBucketOf(bound + 0.001))).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9,
    ]);
  });

  it('is the first for what took no time, and the last for what took forever', () => {
    expect(latencyBucketOf(0)).toBe(0);
    expect(latencyBucketOf(Number.POSITIVE_INFINITY)).toBe(9);
  });
});

describe('a quantile', () => {
  it('is unknown where nothing was counted', () => {
    expect(quantileMs(empty(), 0.5)).toBeUndefined();
    expect(quantileMs([], 0.99)).toBeUndefined();
  });

  it('lies as far into its bucket as the requests before it fill it', () => {
    const counts = empty();
    counts[1] = 10; // over 5 and up to 10 ms
    expect(quantileMs(counts, 0.5)).toBe(7.5);
    expect(quantileMs(counts, 1)).toBe(10);
  });

  it('skips the buckets in which nothing is', () => {
    const counts = empty();
    counts[0] = 98;
    counts[6] = 2; // over 250 and up to 500 ms
    expect(quantileMs(counts, 0.5)).toBeCloseTo((5 * 50) / 98);
    expect(quantileMs(counts, 0.99)).toBe(375);
  });

  it('is the last bound where it lies beyond it', () => {
    expect(quantileMs([0, 0, 0, 0, 0, 0, 0, 0, 0, 3], 0.5)).toBe(2500);
  });

  it('is in the same bucket as the exact one, whatever the durations', () => {
    const durations = fc.array(fc.double({ min: 0, max: 2500, noNaN: true }), {
      minLength: 1,
      maxLength: 300,
    });
    fc.assert(
      fc.property(durations, fc.constantFrom(0.5, 0.95, 0.99), (all, q) => {
        const sorted = all.toSorted((a, b) => a - b);
        const exact = sorted[Math.ceil(q * sorted.length) - 1] ?? 0;
        const bucket = latencyBucketOf(exact);
        const estimate = quantileMs(histogramOf(all), q) ?? -1;
        expect(estimate).toBeLessThanOrEqual(LATENCY_BOUNDS_MS[bucket] ?? 0);
        expect(estimate).toBeGreaterThanOrEqual(LATENCY_BOUNDS_MS[bucket - 1] ?? 0);
      }),
    );
  });
});
