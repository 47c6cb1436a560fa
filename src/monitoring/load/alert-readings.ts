import { type AlertFigures, type AlertThresholds, alertCause } from '../../core/alert.ts';
import { MINUTE_MS } from '../../core/duration.ts';
import { quantileMs } from '../../core/latency-histogram.ts';
import type { RouteClass } from '../../http/route-policy.ts';
import { failedShare } from './class-load.ts';
import type { RecentLoad, Senders } from './load-window.ts';

/** Figures that a node measures every 15 seconds. */
export interface NodeFigures {
  readonly classes: ReadonlyMap<RouteClass, RecentLoad>;
  readonly eventLoopMs: number;
  readonly droppedRows: number;
  /** For how long the oldest revocation is pending; 0 when none is. */
  readonly pendingMs: number;
}

export interface Reading extends AlertFigures {
  /** Senders of the requests behind the figure. */
  readonly senders: Senders;
}

/** Fewer requests of a class in five minutes say nothing: one of them is a large share. */
const ENOUGH_REQUESTS = 20;
/** So many of them must be slow, refused or have failed. */
const ENOUGH_BAD = 5;
const NONE: Senders = new Map();
/** The scrape of the metrics and the broker's answer take their own time. */
const NOT_TIMED: ReadonlySet<RouteClass> = new Set(['probe', 'callback']);

/** The figures that are above their thresholds. */
export function readingsAbove(figures: NodeFigures, thresholds: AlertThresholds): readonly Reading[] {
  const { eventLoopMs, droppedRows, pendingMs } = figures;
  return [
    ...[...figures.classes].flatMap(([routeClass, load]) => readClass(routeClass, load, thresholds)),
    {
      what: alertCause('event_loop'),
      figure: eventLoopMs,
      threshold: thresholds.eventLoopMs,
      senders: NONE,
    },
    {
      what: alertCause('rows_dropped'),
      figure: droppedRows,
      threshold: thresholds.droppedRows,
      senders: NONE,
    },
    {
      what: alertCause('revocation'),
      figure: pendingMs,
      threshold: thresholds.revocationMinutes * MINUTE_MS,
      senders: NONE,
    },
  ].filter(({ figure, threshold }) => figure > threshold);
}

/**
 * Slow answers and refusals count when they come from several addresses, so one client cannot raise an alert; refusals of
 * strangers never do. A failed request is the server's own fault.
 */
function readClass(
  routeClass: RouteClass,
  load: RecentLoad,
  thresholds: AlertThresholds,
): readonly Reading[] {
  const { slow, refused, failed } = load;
  const { slowMs, addresses } = thresholds;
  const timed = load.buckets.reduce((sum, count) => sum + count, 0);
  const readings: Reading[] = [];
  if (isEnough(timed, slow.requests) && slow.senders.size >= addresses && !NOT_TIMED.has(routeClass))
    readings.push({
      what: alertCause('slow', routeClass),
      figure: quantileMs(load.buckets, 0.99) ?? 0,
      threshold: slowMs,
      senders: slow.senders,
    });
  if (isEnough(load.signedIn, refused.requests) && refused.senders.size >= addresses)
    readings.push({
      what: alertCause('refused', routeClass),
      figure: refused.requests / load.signedIn,
      threshold: thresholds.refusedPercent / 100,
      senders: refused.senders,
    });
  if (isEnough(load.requests, failed.requests))
    readings.push({
      what: alertCause('failed', routeClass),
      figure: failedShare(load),
      threshold: thresholds.failedPercent / 100,
      senders: failed.senders,
    });
  return readings;
}

const isEnough = (requests: number, bad: number): boolean => requests >= ENOUGH_REQUESTS && bad >= ENOUGH_BAD;
