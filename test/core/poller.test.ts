import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createPoller, type Poller } from '../../src/core/poller.ts';

const INTERVAL_MS = 1000;

describe('a poller', () => {
  let rounds: number;
  let work: () => Promise<unknown>;
  let errors: unknown[];
  let poller: Poller;

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    rounds = 0;
    errors = [];
    work = () => Promise.resolve();
    poller = createPoller({
      intervalMs: INTERVAL_MS,
      work: () => {
        rounds += 1;
        return work();
      },
      onError: (error) => errors.push(error),
    });
  });
  afterEach(async () => {
    await poller.stop();
    vi.useRealTimers();
  });

  it('does nothing before it is started', async () => {
    poller.wake();
    await vi.advanceTimersByTimeAsync(5 * INTERVAL_MS);
    expect(rounds).toBe(0);
  });

  it('works at once, and again after each interval', async () => {
    poller.start();
    await vi.advanceTimersByTimeAsync(1);
    expect(rounds).toBe(1);
    await vi.advanceTimersByTimeAsync(3 * INTERVAL_MS);
    expect(rounds).toBe(4);
  });

  it('does not work twice as often when started twice', async () => {
    poller.start();
    poller.start();
    await vi.advanceTimersByTimeAsync(1 + INTERVAL_MS);
    expect(rounds).toBe(2);
  });

  it('waits for a long round before it begins the next', async () => {
    let finish = (): void => undefined;
    work = () =>
      new Promise<void>((resolve) => {
        finish = resolve;
      });
    poller.start();
    await vi.advanceTimersByTimeAsync(10 * INTERVAL_MS);
    expect(rounds).toBe(1);
    finish();
    await vi.advanceTimersByTimeAsync(INTERVAL_MS);
    expect(rounds).toBe(2);
    finish();
  });

  it('works soon when woken, and once more when woken at work', async () => {
    poller.start();
    await vi.advanceTimersByTimeAsync(1);
    poller.wake();
    await vi.advanceTimersByTimeAsync(1);
    expect(rounds).toBe(2);

    let finish = (): void => undefined;
    work = () =>
      new Promise<void>((resolve) => {
        finish = resolve;
      });
    poller.wake();
    await vi.advanceTimersByTimeAsync(1);
    poller.wake();
    poller.wake();
    work = () => Promise.resolve();
    finish();
    await vi.advanceTimersByTimeAsync(1);
    expect(rounds).toBe(4);
  });

  it('reports a round that failed and goes on', async () => {
    const failure = new Error('down');
    work = () => Promise.reject(failure);
    poller.start();
    await vi.advanceTimersByTimeAsync(1 + INTERVAL_MS);
    expect(errors).toEqual([failure, failure]);
  });

  it('is at rest when stop has answered', async () => {
    let finish = (): void => undefined;
    let finished = false;
    work = () =>
      new Promise<void>((resolve) => {
        finish = () => {
          finished = true;
          resolve();
        };
      });
    poller.start();
    await vi.advanceTimersByTimeAsync(1);
    const stopped = poller.stop();
    finish();
    await stopped;
    expect(finished).toBe(true);
    await vi.advanceTimersByTimeAsync(10 * INTERVAL_MS);
    expect(rounds).toBe(1);
  });

  it('works in the context of its start, not of the request that woke it', async () => {
    const request = new AsyncLocalStorage<string>();
    const seen: (string | undefined)[] = [];
    work = async () => void seen.push(request.getStore());
    poller.start();
    await vi.advanceTimersByTimeAsync(1);
    request.run('a request', () => poller.wake());
    await vi.advanceTimersByTimeAsync(1);
    expect(seen).toEqual([undefined, undefined]);
  });
});
