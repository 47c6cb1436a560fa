import { describe, expect, test } from 'vitest';
import type { ClassLoad } from '../../../src/security/watch/class-load.ts';
import { readClass, readDroppedRows, readEventLoop } from '../../../src/security/watch/load-readings.ts';

const RANGE = { p99Ms: 500, refused: 0.4, failed: 0.05, learned: false };

function load(given: Partial<ClassLoad>): ClassLoad {
  return {
    requests: 100,
    notFound: 0,
    clientErrors: 0,
    serverErrors: 0,
    totalMs: 0,
    buckets: [100, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    ...given,
  };
}

/** Fast ones, and some of more than half a second. */
const timed = (fast: number, slow: number): Partial<ClassLoad> => ({
  requests: fast + slow,
  buckets: [fast, 0, 0, 0, 0, 0, 0, slow, 0, 0],
});

describe('the figures of a class, held against its normal range', () => {
  const states = (given: Partial<ClassLoad>) =>
    readClass('api', load(given), RANGE).map(({ what, state }) => `${what} ${state}`);

  test('are calm where nothing is slow, refused or fails', () => {
    expect(states({})).toEqual(['slow:api calm', 'refused:api calm', 'failed:api calm']);
  });

  test.each([
    ['five slow answers of 25', timed(20, 5), 'high'],
    ['four of them, however large their share', timed(16, 4), 'near'],
    ['five of 19: a quiet night', timed(14, 5), 'calm'],
    ['five of 600, which are less than one in a hundred', timed(595, 5), 'calm'],
  ])('slow: %s', (_name, given, state) => {
    expect(states(given)[0]).toBe(`slow:api ${state}`);
  });

  test.each([
    ['twenty of 49', { requests: 49, clientErrors: 15, notFound: 5 }, 'high'],
    ['twenty of 50, which is the edge', { requests: 50, clientErrors: 20 }, 'near'],
    ['nineteen of 20', { requests: 20, notFound: 19 }, 'near'],
    ['nineteen of 19', { requests: 19, notFound: 19 }, 'calm'],
    ['a third, which is just inside', { requests: 90, clientErrors: 30 }, 'near'],
    ['three of ten', { requests: 100, clientErrors: 30 }, 'calm'],
  ])('refused: %s', (_name, given, state) => {
    expect(states(given)[1]).toBe(`refused:api ${state}`);
  });

  test.each([
    ['five of 99', { requests: 99, serverErrors: 5 }, 'high'],
    ['five of 100, which is the edge', { requests: 100, serverErrors: 5 }, 'near'],
    ['four of 20', { requests: 20, serverErrors: 4 }, 'near'],
    ['three of 100', { requests: 100, serverErrors: 3 }, 'calm'],
  ])('failed: %s', (_name, given, state) => {
    expect(states(given)[2]).toBe(`failed:api ${state}`);
  });
});

test('the process is late above a tenth of a second, and one lost row is one too many', () => {
  expect([79, 80, 100, 101].map((ms) => readEventLoop(ms).state)).toEqual(['calm', 'near', 'near', 'high']);
  expect([0, 1].map((rows) => readDroppedRows(rows).state)).toEqual(['calm', 'high']);
});
