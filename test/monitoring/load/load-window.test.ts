import type { Request } from 'express';
import { beforeEach, describe, expect, test } from 'vitest';
import { MINUTE_MS, SECOND_MS } from '../../../src/core/duration.ts';
import type { ServedRequest } from '../../../src/http/request-watch.ts';
import { createLoadWindow, type LoadWindow } from '../../../src/monitoring/load/load-window.ts';
import { createSettableClock, type SettableClock } from '../../support/settable-clock.ts';

const START = '2026-11-23T10:00:00+05:30';

describe('the window of the last five minutes', () => {
  let clock: SettableClock;
  let window: LoadWindow;
  let address: string;
  beforeEach(() => {
    clock = createSettableClock(START);
    address = '203.0.113.1';
    window = createLoadWindow({ clock, subjectOf: () => address, slowMs: () => 1000 });
  });

  function serve(served: Partial<ServedRequest> = {}, times = 1): void {
    const request: ServedRequest = {
      at: clock.now(),
      method: 'GET',
      pattern: '/',
      path: '/',
      routeClass: 'api',
      status: 200,
      aborted: false,
      durationMs: 3,
      waited: false,
      bytes: 0,
      userId: undefined,
      requestId: '',
      req: {} as Request,
      ...served,
    };
    for (let count = 0; count < times; count += 1) window.observe(request);
  }

  test('counts by class and status, and how long it took', () => {
    serve({ status: 404, durationMs: 5 });
    serve({ status: 403, durationMs: 30 });
    serve({ status: 503, durationMs: 3000 });
    serve({ routeClass: 'form' });
    expect(window.recent().get('api')).toMatchObject({
      requests: 3,
      notFound: 1,
      clientErrors: 1,
      serverErrors: 1,
      totalMs: 3035,
      buckets: [1, 0, 0, 1, 0, 0, 0, 0, 0, 1],
    });
    expect(window.recent().get('form')?.requests).toBe(1);
    expect(window.recent().has('guarded')).toBe(false);
  });

  test('leaves out how long an answer took that waited on purpose', () => {
    serve({ waited: true, durationMs: 25_000 });
    expect(window.recent().get('api')).toMatchObject({ requests: 1, totalMs: 0, buckets: Array(10).fill(0) });
  });

  test('forgets what is older than five minutes, and not before it is nearly so', () => {
    serve();
    clock.advance(5 * MINUTE_MS - 15 * SECOND_MS);
    expect(window.recent().get('api')?.requests).toBe(1);
    clock.advance(15 * SECOND_MS);
    expect(window.recent().size).toBe(0);
    serve();
    expect(window.recent().get('api')?.requests).toBe(1);
    expect(window.total().get('api')?.requests).toBe(2);
  });

  test('is not confused by a clock that is put back', () => {
    serve();
    clock.advance(-10 * MINUTE_MS);
    expect(window.recent().size).toBe(0);
    serve();
    expect(window.recent().get('api')?.requests).toBe(1);
  });

  test('counts what each address sent, and by class what was slow, refused or failed', () => {
    serve({}, 5);
    address = '203.0.113.2';
    serve({ durationMs: 1001 }, 3);
    address = '203.0.113.3';
    serve({ routeClass: 'form', status: 500 }, 4);
    clock.advance(30 * SECOND_MS);
    address = '203.0.113.2';
    serve({ durationMs: 1001 }, 2);
    serve({ durationMs: 1000 });
    serve({ durationMs: 25_000, waited: true });
    expect([...window.senders()]).toEqual([
      ['203.0.113.1', 5],
      ['203.0.113.2', 7],
      ['203.0.113.3', 4],
    ]);
    const recent = window.recent();
    expect(recent.get('api')?.slow).toEqual({ requests: 5, senders: new Map([['203.0.113.2', 5]]) });
    expect(recent.get('api')?.failed).toEqual({ requests: 0, senders: new Map() });
    expect(recent.get('form')?.failed).toEqual({ requests: 4, senders: new Map([['203.0.113.3', 4]]) });
    clock.advance(5 * MINUTE_MS);
    expect(window.senders().size).toBe(0);
  });

  test('counts as refused only who is signed in, and no ordinary end of a session, key or connection', () => {
    for (const status of [400, 401, 403, 404, 409, 429]) {
      serve({ status });
      serve({ status, userId: 'asha' });
    }
    serve({ userId: 'asha' });
    expect(window.recent().get('api')).toMatchObject({ signedIn: 7, refused: { requests: 3 } });
  });

  test('holds a bounded number of addresses, whoever comes', () => {
    for (let count = 0; count < 50_000; count += 1) {
      address = `2001:db8:${(count >> 8).toString(16)}:${(count & 255).toString(16)}::/64`;
      serve();
    }
    expect(window.senders().size).toBeLessThanOrEqual(32);
    expect(window.recent().get('api')?.requests).toBe(50_000);
  });
});
