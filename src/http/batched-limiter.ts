import { LRUCache } from 'lru-cache';
import { atMost } from '../core/at-most.ts';
import { SECOND_MS } from '../core/duration.ts';
import type { LimitStanding, RateLimit } from './compound-limiter.ts';
import { MOST_KEYS } from './memory-counter.ts';
import { waitInSeconds } from './wait-in-seconds.ts';

/** The result of counting a request, and the standing of its key. */
export interface Count {
  readonly limited: boolean;
  /** In the order of the limits. */
  readonly standings: readonly LimitStanding[];
  /** Until the next request is let through; 0 where this one was. */
  readonly retryAfterSeconds: number;
}

/** Counts in this process, and asks no store while a request waits. */
export interface BatchedLimiter {
  /** Counts one request, unless it is one too many. */
  take(key: string): Count;
  /** The refusal that `take` would give, if any. Counts and remembers nothing. */
  findLimited(key: string): Count | undefined;
  /** Compares notes with the other nodes now. Never rejects. */
  compare(): Promise<void>;
  /** No more comparing. */
  stop(): void;
}

/** The count of all nodes together. */
export interface SharedTally {
  /**
   * Adds to a window, which begins now if it has not begun yet. Resolves to what all nodes have added so far, and to what is
   * left of the window in milliseconds; rejects when that cannot be known.
   */
  add(
    key: string,
    points: number,
    windowMs: number,
  ): Promise<{ readonly total: number; readonly leftMs: number }>;
}

export interface BatchedLimiterDeps {
  readonly limits: readonly RateLimit[];
  /** Undefined: this process is alone. */
  readonly tallyOf: ((limit: RateLimit) => SharedTally) | undefined;
}

export const COMPARE_EVERY_MS = SECOND_MS;
/** A node that has counted this part of a limit by itself does not wait for the next round. */
const AT_ONCE_PART = 0.1;

interface Rule {
  readonly limit: RateLimit;
  readonly windowMs: number;
  /** So many counted here are told at once. */
  readonly tellAt: number;
  readonly tally: SharedTally | undefined;
}

/** One limit of one key. */
interface Window {
  /** By `performance.now()`, which is never set back. */
  endsAt: number;
  /** Of all nodes, as far as this one was told. */
  known: number;
  /** Let through here and not told yet; and told, but not answered yet. */
  untold: number;
  telling: number;
}

/**
 * Several limits over one key, in fixed windows, counted here and compared with the other nodes at most once a second for
 * each key. What is too much by that: with N nodes, one that asks all of them at once gets through N times a tenth of the
 * limit more than it says, and what arrives within one round trip. While the others cannot be asked each node keeps the limit
 * by itself.
 */
export function createBatchedLimiter({ limits, tallyOf }: BatchedLimiterDeps): BatchedLimiter {
  const rules: readonly Rule[] = limits.map((limit) => ({
    limit,
    windowMs: limit.durationSeconds * SECOND_MS,
    tellAt: Math.max(1, Math.floor(limit.points * AT_ONCE_PART)),
    tally: tallyOf?.(limit),
  }));
  const comparing = createComparing(rules);
  const windowsOf = new LRUCache<string, readonly Window[]>(atMost(MOST_KEYS));

  function windowsFor(key: string, now: number): readonly Window[] {
    const known = windowsOf.get(key);
    const windows = known ?? rules.map(() => newWindow(now));
    if (known === undefined) windowsOf.set(key, windows);
    rules.forEach(({ windowMs }, index) => {
      const window = windows[index];
      if (window !== undefined && now >= window.endsAt) Object.assign(window, newWindow(now + windowMs));
    });
    return windows;
  }

  /** Milliseconds until all limits have room again; 0 where they have. */
  function waitOf(windows: readonly Window[], now: number): number {
    const waits = rules.map(({ limit }, index) => {
      const window = windows[index];
      return window === undefined || usedOf(window) < limit.points ? 0 : window.endsAt - now;
    });
    return Math.max(0, ...waits);
  }

  function countOf(windows: readonly Window[], now: number, waitMs: number): Count {
    const standings = windows.flatMap((window, index) => {
      const limit = rules[index]?.limit;
      return limit === undefined ? [] : [standingOf(window, limit, now)];
    });
    return { limited: waitMs > 0, standings, retryAfterSeconds: waitMs > 0 ? waitInSeconds(waitMs) : 0 };
  }

  function count(key: string, windows: readonly Window[]): void {
    for (const window of windows) window.untold += 1;
    if (tallyOf !== undefined) comparing.note(key, windows);
  }

  return {
    take(key) {
      const now = performance.now();
      const windows = windowsFor(key, now);
      const waitMs = waitOf(windows, now);
      if (waitMs === 0) count(key, windows);
      return countOf(windows, now, waitMs);
    },
    findLimited(key) {
      const now = performance.now();
      const windows = windowsOf.peek(key);
      const waitMs = windows === undefined ? 0 : waitOf(windows, now);
      return windows === undefined || waitMs === 0 ? undefined : countOf(windows, now, waitMs);
    },
    compare: comparing.compare,
    stop: comparing.stop,
  };
}

/** Compares notes with the other nodes, at most once a second for each key, or at once where much was counted. */
function createComparing(rules: readonly Rule[]) {
  let changed = new Map<string, readonly Window[]>();
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let stopped = false;

  const isMuch = (windows: readonly Window[]): boolean =>
    windows.some((window, index) => window.untold >= (rules[index]?.tellAt ?? 1));

  function plan(atOnce: boolean): void {
    if (atOnce) void begin();
    else timer ??= setTimeout(begin, COMPARE_EVERY_MS).unref();
  }

  function begin(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    running ??= tellAll().finally(() => {
      running = undefined;
      if (changed.size > 0 && !stopped) plan([...changed.values()].some(isMuch));
    });
    return running;
  }

  async function tellAll(): Promise<void> {
    const news = changed;
    changed = new Map();
    await Promise.all(
      [...news].flatMap(([key, windows]) => windows.map((window, index) => tell(key, window, index))),
    );
  }

  /** Counts that could not be told stay here: telling them again might count them twice. */
  async function tell(key: string, window: Window, index: number): Promise<void> {
    const tally = rules[index]?.tally;
    const { endsAt, untold } = window;
    const leftMs = Math.ceil(endsAt - performance.now());
    // A window that has ended need not be reported: with the next one it has nothing to do.
    if (tally === undefined || untold === 0 || leftMs <= 0) return;
    window.untold = 0;
    window.telling = untold;
    const answer = await tally.add(key, untold, leftMs).catch(() => undefined);
    // The window has ended meanwhile, and this is the next one.
    if (window.endsAt !== endsAt) return;
    window.telling = 0;
    window.known = answer?.total ?? window.known + untold;
    if (answer !== undefined) window.endsAt = performance.now() + answer.leftMs;
  }

  return {
    /** These windows of a key have counted something. */
    note(key: string, windows: readonly Window[]): void {
      if (stopped) return;
      changed.set(key, windows);
      if (running === undefined) plan(isMuch(windows));
    },
    async compare(): Promise<void> {
      await running;
      await begin();
    },
    stop(): void {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

const newWindow = (endsAt: number): Window => ({ endsAt, known: 0, untold: 0, telling: 0 });

function standingOf(window: Window, limit: RateLimit, now: number): LimitStanding {
  const remaining = Math.max(0, limit.points - usedOf(window));
  return { limit, remaining, resetSeconds: waitInSeconds(window.endsAt - now) };
}

const usedOf = ({ known, untold, telling }: Window): number => known + untold + telling;
