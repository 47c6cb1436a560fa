import { DAY_MS, HOUR_MS } from '../../core/duration.ts';
import { quantileMs } from '../../core/latency-histogram.ts';
import type { RouteClass } from '../../http/route-policy.ts';
import { type ClassLoad, failedShare, refusedShare } from './class-load.ts';

/** An hour of one class of routes, of all nodes. */
export interface LoadHour extends Omit<ClassLoad, 'totalMs'> {
  /** The instant at which it begins, in milliseconds since the epoch. */
  readonly hour: number;
  readonly routeClass: string;
}

/** Up to where the figures of a class are normal. A share of 1 cannot be left. */
export interface NormalRange {
  readonly p99Ms: number;
  readonly refused: number;
  readonly failed: number;
  /** Whether it was learned from hours like this one, or is the one for servers that are new. */
  readonly learned: boolean;
}

/** How far back the hours are looked at. */
export const LEARNED_FROM_MS = 14 * DAY_MS;

/** Fewer requests say nothing about an hour. */
const ENOUGH_REQUESTS = 20;
/** Two days at this time, the hour before and the hour after, or six days at one of them. */
const ENOUGH_HOURS = 6;

/** Above these nothing is normal, however long it has been so; below, nothing is worth an alarm. */
const SLOW_MS = { least: 100, most: 2000 } as const;
const REFUSED = { least: 0.1, most: 1 } as const;
const FAILED = { least: 0.02, most: 0.1 } as const;
/** So many times the usual figure is still normal. */
const LEEWAY = { p99Ms: 3, refused: 2, failed: 2 } as const;

/**
 * Until enough is learned. A question of a page is refused when the session behind it has ended, which at the cutoff happens to
 * all of them; signing in computes a password hash; a way back from a broker asks the broker; and monitoring that METRICS_ALLOW
 * turns away is turned away each time.
 */
const UNTIL_LEARNED: Readonly<Record<RouteClass, Omit<NormalRange, 'learned'>>> = {
  static: { p99Ms: 250, refused: 0.5, failed: 0.05 },
  probe: { p99Ms: 1000, refused: 1, failed: 0.05 },
  api: { p99Ms: 500, refused: 0.5, failed: 0.05 },
  public: { p99Ms: 250, refused: 0.5, failed: 0.05 },
  form: { p99Ms: 1000, refused: 0.4, failed: 0.05 },
  callback: { p99Ms: 2000, refused: 0.5, failed: 0.05 },
  poll: { p99Ms: 250, refused: 1, failed: 0.05 },
  guarded: { p99Ms: 500, refused: 0.4, failed: 0.05 },
};

/**
 * The normal range of a class at an instant (ms since the epoch): several times the median of the hours at this time of the day,
 * because a trading day has its own course: quiet until the market opens, refusals after the cutoff until people have
 * signed in again. The median, so that an attack of some hours is not learned as normal.
 */
export function normalRange(hours: readonly LoadHour[], routeClass: RouteClass, now: number): NormalRange {
  const like = hours.filter(
    (each) =>
      each.routeClass === routeClass &&
      each.requests >= ENOUGH_REQUESTS &&
      each.hour > now - LEARNED_FROM_MS &&
      each.hour <= now - HOUR_MS &&
      isSameTimeOfDay(each.hour, now),
  );
  if (like.length < ENOUGH_HOURS) return { ...UNTIL_LEARNED[routeClass], learned: false };
  return {
    p99Ms: within(SLOW_MS, LEEWAY.p99Ms * median(like.map(({ buckets }) => quantileMs(buckets, 0.99) ?? 0))),
    refused: within(REFUSED, LEEWAY.refused * median(like.map(refusedShare))),
    failed: within(FAILED, LEEWAY.failed * median(like.map(failedShare))),
    learned: true,
  };
}

/** Whether the hour is the same one of the day, or a neighbour of it. */
function isSameTimeOfDay(hour: number, now: number): boolean {
  const apart = (((now - hour) % DAY_MS) + DAY_MS) % DAY_MS;
  return apart < 2 * HOUR_MS || apart >= DAY_MS - HOUR_MS;
}

function within({ least, most }: { readonly least: number; readonly most: number }, figure: number): number {
  return Math.min(most, Math.max(least, figure));
}

function median(figures: readonly number[]): number {
  const sorted = figures.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}
