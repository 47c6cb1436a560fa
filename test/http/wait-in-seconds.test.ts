import { afterEach, describe, expect, it, vi } from 'vitest';
import { createBatchedLimiter } from '../../src/http/batched-limiter.ts';
import { createCompoundLimiter } from '../../src/http/compound-limiter.ts';
import { waitInSeconds } from '../../src/http/wait-in-seconds.ts';

const limits = [{ points: 1, durationSeconds: 60 }];
/** As floating-point numbers, the end of a window of 60 s from here is 60,000.00000000001 ms away. */
const AWKWARD_NOW = 6000.1;

describe('a wait in whole seconds', () => {
  afterEach(() => vi.restoreAllMocks());

  it.each([
    [0, 1],
    [0.3, 1],
    [1000, 1],
    [1001, 2],
    [60_000, 60],
    [60_000.000_000_000_01, 60],
  ])('of %d ms is %d s', (ms, seconds) => {
    expect(waitInSeconds(ms)).toBe(seconds);
  });

  it('is never said to be longer than the window', async () => {
    vi.spyOn(performance, 'now').mockReturnValue(AWKWARD_NOW);
    const compound = createCompoundLimiter({ name: 'test', what: 'This', limits });
    await compound.take('key');
    expect(await compound.take('key')).toMatchObject({ retryAfterSeconds: 60 });
    const batched = createBatchedLimiter({ limits, tallyOf: undefined });
    batched.take('key');
    expect(batched.take('key')).toMatchObject({ retryAfterSeconds: 60 });
  });
});
