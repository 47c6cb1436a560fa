import { describe, expect, test } from 'vitest';
import { DEFAULT_ALERT_THRESHOLDS } from '../../../src/core/alert.ts';
import { MINUTE_MS } from '../../../src/core/duration.ts';
import type { RouteClass } from '../../../src/http/route-policy.ts';
import { type NodeFigures, readingsAbove } from '../../../src/monitoring/load/alert-readings.ts';
import type { RecentLoad, SymptomCount } from '../../../src/monitoring/load/load-window.ts';

const from = (requests: number, addresses = 3): SymptomCount => ({
  requests,
  senders: new Map(Array.from({ length: addresses }, (_, each) => [`203.0.113.${each}`, 1])),
});

function load(given: Partial<RecentLoad>): RecentLoad {
  return {
    requests: 100,
    notFound: 0,
    clientErrors: 0,
    serverErrors: 0,
    totalMs: 0,
    buckets: [100, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    signedIn: 0,
    slow: from(0),
    refused: from(0),
    failed: from(0),
    ...given,
  };
}

const QUIET: NodeFigures = { classes: new Map(), eventLoopMs: 0, droppedRows: 0, pendingMs: 0 };

const above = (figures: Partial<NodeFigures>, thresholds = {}) =>
  readingsAbove({ ...QUIET, ...figures }, { ...DEFAULT_ALERT_THRESHOLDS, ...thresholds }).map(
    ({ what }) => what,
  );
const aboveOf = (given: Partial<RecentLoad>, thresholds = {}, routeClass: RouteClass = 'api') =>
  above({ classes: new Map([[routeClass, load(given)]]) }, thresholds);

/** Fast ones, and some between one and two and a half seconds. */
const timed = (fast: number, slow: number, addresses = 3): Partial<RecentLoad> => ({
  requests: fast + slow,
  buckets: [fast, 0, 0, 0, 0, 0, 0, 0, slow, 0],
  slow: from(slow, addresses),
});

describe('a class of routes', () => {
  test('is below every threshold where nothing is slow, refused or fails', () => {
    expect(aboveOf({})).toEqual([]);
  });

  test.each([
    ['five slow answers of 25', timed(20, 5), true],
    ['the same from two addresses', timed(20, 5, 2), false],
    ['four of them, however large their share', timed(16, 4), false],
    ['five of 19: a quiet night', timed(14, 5), false],
    ['five of 600, which are less than one in a hundred', timed(595, 5), false],
  ])('slow: %s', (_name, given, isAbove) => {
    expect(aboveOf(given)).toEqual(isAbove ? ['slow:api'] : []);
  });

  test('is not slow because a broker or a scrape takes its time', () => {
    expect(aboveOf(timed(20, 5), {}, 'guarded')).toEqual(['slow:guarded']);
    for (const routeClass of ['callback', 'probe'] as const)
      expect(aboveOf(timed(20, 5), {}, routeClass)).toEqual([]);
  });

  test.each([
    ['eleven of 20 that are signed in', { signedIn: 20, refused: from(11) }, true],
    ['the same from two addresses', { signedIn: 20, refused: from(11, 2) }, false],
    ['ten of 20, which is the threshold', { signedIn: 20, refused: from(10) }, false],
    ['nineteen of 19', { signedIn: 19, refused: from(19) }, false],
    ['every request of strangers', { clientErrors: 60, notFound: 40 }, false],
  ])('refused: %s', (_name, given, isAbove) => {
    expect(aboveOf(given)).toEqual(isAbove ? ['refused:api'] : []);
  });

  test.each([
    ['five of 99, from one address: the fault is here', 99, 5, 1, true],
    ['five of 100, which is the threshold', 100, 5, 3, false],
    ['four of 20', 20, 4, 3, false],
  ])('failed: %s', (_name, requests, serverErrors, addresses, isAbove) => {
    const given = { requests, serverErrors, failed: from(serverErrors, addresses) };
    expect(aboveOf(given)).toEqual(isAbove ? ['failed:api'] : []);
  });

  test('is judged by the thresholds that are set', () => {
    expect(aboveOf(timed(20, 5, 1), { addresses: 1 })).toEqual(['slow:api']);
    expect(aboveOf({ signedIn: 20, refused: from(11) }, { refusedPercent: 60 })).toEqual([]);
    const failing = { requests: 100, serverErrors: 10, failed: from(10) };
    expect(aboveOf(failing, { failedPercent: 10 })).toEqual([]);
    expect(aboveOf(failing, { failedPercent: 9 })).toEqual(['failed:api']);
  });
});

describe('the process', () => {
  test('is compared with its thresholds, which are not above themselves', () => {
    expect([100, 101].map((eventLoopMs) => above({ eventLoopMs }))).toEqual([[], ['event_loop']]);
    expect([0, 1].map((droppedRows) => above({ droppedRows }))).toEqual([[], ['rows_dropped']]);
    expect([0, 1].map((more) => above({ pendingMs: 2 * MINUTE_MS + more }))).toEqual([[], ['revocation']]);
    const thresholds = { eventLoopMs: 200, droppedRows: 5, revocationMinutes: 10 };
    expect(above({ eventLoopMs: 101, droppedRows: 5, pendingMs: 3 * MINUTE_MS }, thresholds)).toEqual([]);
  });
});
