import { expect, test } from 'vitest';
import { createEventLoop, type LoopMonitor } from '../../../src/monitoring/load/event-loop.ts';

/** Looks that came so many milliseconds after the ones before, instead of 20. */
function fakeMonitor(
  pieces: readonly { readonly p50: number; readonly p99: number; readonly max: number }[],
) {
  const left = [...pieces];
  const monitor: LoopMonitor = {
    enable: () => true,
    disable: () => true,
    reset: () => void left.shift(),
    percentile: (percentile) => (left[0]?.[percentile === 50 ? 'p50' : 'p99'] ?? 0) * 1e6,
    get max() {
      return (left[0]?.max ?? 0) * 1e6;
    },
    get count() {
      return left.length;
    },
  };
  return monitor;
}

const CALM = { p50: 20.1, p99: 21, max: 25 };
const BUSY = { p50: 22, p99: 320, max: 900 };

test('says the worst of the last four pieces, less what was meant to be waited', () => {
  const loop = createEventLoop(() => fakeMonitor([BUSY, CALM, CALM, CALM, CALM]));
  loop.start();
  expect(loop.recent()).toBeUndefined();
  for (let piece = 0; piece < 4; piece += 1) loop.nextPiece();
  expect(loop.recent()).toEqual({ p50Ms: 2, p99Ms: 300, longestMs: 880 });
  loop.nextPiece();
  expect(loop.recent()).toMatchObject({ p99Ms: 1, longestMs: 5 });
  // Nothing was measured since: what is known stays.
  loop.nextPiece();
  expect(loop.recent()).toMatchObject({ p99Ms: 1 });
});

test('one piece with long tasks raises no alert, and two do', () => {
  const loop = createEventLoop(() => fakeMonitor([BUSY, CALM, BUSY, BUSY]));
  loop.start();
  const steady: number[] = [];
  for (let piece = 0; piece < 4; piece += 1) {
    loop.nextPiece();
    steady.push(loop.steadyP99Ms());
  }
  expect(steady).toEqual([0, 1, 1, 300]);
});
