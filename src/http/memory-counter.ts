import { LRUCache } from 'lru-cache';
import { atMost } from '../core/at-most.ts';
import { SECOND_MS } from '../core/duration.ts';
import type { Counter, RateLimit } from './compound-limiter.ts';

/**
 * How many keys a counter remembers; past that, the one that was not asked for the longest is forgotten. Only attempts
 * that count leave anything behind, so to make a counter forget an address takes as many of those as this, for the few
 * that it yields. 12 MB when full.
 */
export const MOST_KEYS = 50_000;

interface Window {
  used: number;
  /** By `performance.now()`, which is never set back. */
  readonly endsAt: number;
}

/** Counts in the memory of this process. */
export function createMemoryCounter(limit: RateLimit): Counter {
  const { points, durationSeconds } = limit;
  const windows = new LRUCache<string, Window>(atMost(MOST_KEYS));

  function windowOf(key: string, now: number): Window {
    const known = windows.get(key);
    if (known !== undefined && now < known.endsAt) return known;
    const fresh = { used: 0, endsAt: now + durationSeconds * SECOND_MS };
    windows.set(key, fresh);
    return fresh;
  }

  return {
    async draw(key) {
      const now = performance.now();
      const window = windowOf(key, now);
      window.used += 1;
      return {
        limit,
        refused: window.used > points,
        remaining: Math.max(0, points - window.used),
        msBeforeNext: window.endsAt - now,
        async putBack() {
          window.used -= 1;
          if (window.used === 0 && windows.peek(key) === window) windows.delete(key);
        },
      };
    },
  };
}
