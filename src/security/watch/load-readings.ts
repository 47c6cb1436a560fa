import { LATENCY_BOUNDS_MS, quantileMs } from '../../core/latency-histogram.ts';
import { alarmCause } from '../../core/load-alarm.ts';
import type { RouteClass } from '../../http/route-policy.ts';
import { type ClassLoad, failedShare, refusedShare } from './class-load.ts';
import type { NormalRange } from './normal-range.ts';

/** One figure, and whether it is what it should be. */
export interface Reading {
  /** As `alarmCause` makes it. */
  readonly what: string;
  readonly figure: number;
  readonly normal: number;
  /** `high`: a reason to ring. `near`: hardly below, so that an alarm which is on stays on. */
  readonly state: 'high' | 'near' | 'calm';
  /** Where the addresses that may be behind it are looked for. */
  readonly routeClass?: RouteClass;
  readonly only?: 'errors';
}

/** Fewer requests of a class in the window are a quiet night, in which one of them is a large share. */
const ENOUGH_REQUESTS = 20;
/** So many must be slow, refused or have failed themselves. */
const ENOUGH_SLOW = 5;
const ENOUGH_REFUSED = 20;
const ENOUGH_FAILED = 5;
/** An alarm that is on ends below this part of the normal range, and not just under its edge. */
const NEAR = 0.8;

/** A class of routes against its normal range: how long answers take, how many requests are refused, how many fail. */
export function readClass(routeClass: RouteClass, load: ClassLoad, range: NormalRange): readonly Reading[] {
  const timed = sum(load.buckets);
  const p99Ms = quantileMs(load.buckets, 0.99) ?? 0;
  const refused = load.notFound + load.clientErrors;
  return [
    {
      what: alarmCause('slow', routeClass),
      figure: p99Ms,
      normal: range.p99Ms,
      state: judge(p99Ms, range.p99Ms, timed, slowerThan(load.buckets, range.p99Ms) >= ENOUGH_SLOW),
      routeClass,
    },
    {
      what: alarmCause('refused', routeClass),
      figure: refusedShare(load),
      normal: range.refused,
      state: judge(refusedShare(load), range.refused, load.requests, refused >= ENOUGH_REFUSED),
      routeClass,
      only: 'errors',
    },
    {
      what: alarmCause('failed', routeClass),
      figure: failedShare(load),
      normal: range.failed,
      state: judge(failedShare(load), range.failed, load.requests, load.serverErrors >= ENOUGH_FAILED),
      routeClass,
      only: 'errors',
    },
  ];
}

/** Later than that, whoever else is served notices it. */
const NORMAL_LOOP_DELAY_MS = 100;

export function readEventLoop(steadyP99Ms: number): Reading {
  return {
    what: alarmCause('event_loop'),
    figure: steadyP99Ms,
    normal: NORMAL_LOOP_DELAY_MS,
    state: judge(steadyP99Ms, NORMAL_LOOP_DELAY_MS, ENOUGH_REQUESTS, true),
  };
}

/** Rows that the traffic log has lost within the window: one is one too many. */
export function readDroppedRows(dropped: number): Reading {
  return {
    what: alarmCause('rows_dropped'),
    figure: dropped,
    normal: 0,
    state: dropped > 0 ? 'high' : 'calm',
  };
}

function judge(figure: number, normal: number, requests: number, areEnough: boolean): Reading['state'] {
  if (requests < ENOUGH_REQUESTS) return 'calm';
  if (figure > normal && areEnough) return 'high';
  return figure >= NEAR * normal ? 'near' : 'calm';
}

/** Requests in the buckets that reach beyond the bound. */
function slowerThan(buckets: readonly number[], ms: number): number {
  return sum(buckets.filter((_, bucket) => (LATENCY_BOUNDS_MS[bucket] ?? Number.POSITIVE_INFINITY) > ms));
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);
