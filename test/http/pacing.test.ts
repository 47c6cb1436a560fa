import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createPacing } from '../../src/http/pacing.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe('pacing', () => {
  const answer = () => Object.assign(new EventEmitter(), { locals: {} });
  const start = (pace: ReturnType<typeof createPacing>, res = answer()) => {
    const next = vi.fn();
    Reflect.apply(pace, undefined, [res, next]);
    return { res, next };
  };

  it('lets a request go on after its time, and says that it waited on purpose', () => {
    const { res, next } = start(createPacing({ waitMs: 1000, mostWaiting: 2 }));
    vi.advanceTimersByTime(999);
    expect(next).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(next).toHaveBeenCalledExactlyOnceWith();
    expect(res.locals).toEqual({ waited: true });
    expect(res.listenerCount('close')).toBe(0);
  });

  it('keeps no more than so many waiting, and lets the others through', () => {
    const pace = createPacing({ waitMs: 1000, mostWaiting: 2 });
    const requests = Array.from({ length: 3 }, () => start(pace));
    expect(requests.map(({ next }) => next.mock.calls.length)).toEqual([0, 0, 1]);
    vi.advanceTimersByTime(1000);
    expect(start(pace).next).not.toHaveBeenCalled();
  });

  it('forgets who went away', () => {
    const pace = createPacing({ waitMs: 1000, mostWaiting: 1 });
    const gone = start(pace);
    gone.res.emit('close');
    expect(start(pace).next).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1000);
    expect(gone.next).not.toHaveBeenCalled();
  });
});
