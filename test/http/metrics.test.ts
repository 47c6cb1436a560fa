import express from 'express';
import supertest from 'supertest';
import { afterEach, describe, expect, it } from 'vitest';
import { createMetrics, histogramSamples } from '../../src/http/metrics.ts';
import { createRoutePolicies, SESSION_USE } from '../../src/http/route-policy.ts';
import { ROUTE_POLICIES } from '../../src/route-policies.ts';
import { connectFake, createFakeBroker } from '../broker/fake-broker.ts';
import { createSettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, setUp, signIn } from '../support/visitor.ts';

describe('The metrics', () => {
  let server: TestServer | undefined;
  afterEach(async () => {
    await server?.close();
    server = undefined;
  });

  it('are written as Prometheus reads them, and a source that fails is left out', async () => {
    const app = express().use(
      createMetrics(
        [
          () => Promise.reject(new Error('the database is away')),
          () => [
            {
              name: 'curfew_things_total',
              help: 'Things.',
              type: 'counter',
              samples: [
                { labels: {}, value: 3 },
                { labels: { a: 'say "hi"\\\n', b: 'x' }, value: 0.5 },
              ],
            },
          ],
        ],
        { isAllowed: () => true },
      ),
    );
    app.set('trust proxy', () => false);
    const answer = await supertest(app).get('/metrics');
    expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(answer.text).toBe(
      '# HELP curfew_things_total Things.\n# TYPE curfew_things_total counter\ncurfew_things_total 3\ncurfew_things_total{a="say \\"hi\\"\\\\\\n",b="x"} 0.5\n',
    );
  });

  it('write a histogram as buckets that count up, a sum and a count', async () => {
    const samples = histogramSamples({
      labels: { class: 'api' },
      bounds: [0.1, 1],
      counts: [3, 0, 2],
      sum: 7.5,
    });
    const app = express().use(
      createMetrics([() => [{ name: 'curfew_waits', help: 'Waits.', type: 'histogram', samples }]], {
        isAllowed: () => true,
      }),
    );
    app.set('trust proxy', () => false);
    const { text } = await supertest(app).get('/metrics');
    expect(text.split('\n').slice(1)).toEqual([
      '# TYPE curfew_waits histogram',
      'curfew_waits_bucket{class="api",le="0.1"} 3',
      'curfew_waits_bucket{class="api",le="1"} 3',
      'curfew_waits_bucket{class="api",le="+Inf"} 5',
      'curfew_waits_sum{class="api"} 7.5',
      'curfew_waits_count{class="api"} 5',
      '',
    ]);
  });

  it('count hits and misses of the token caches, connections and logouts, without a session', async () => {
    const clock = createSettableClock('2026-11-20T09:15:00+05:30');
    server = await startTestServer({ clock, adapters: [createFakeBroker(clock).adapter] });
    const visitor = createVisitor(server.origin);
    await setUp(visitor);
    await signIn(visitor);
    await connectFake(visitor);
    const user = await server.ports.database.db.selectFrom('users').select('id').executeTakeFirstOrThrow();
    for (let count = 0; count < 3; count += 1)
      await server.services.brokers.reader.accessToken(user.id, 'fake');

    const stranger = createVisitor(server.origin);
    const answer = await stranger.get('/metrics');
    expect(answer.status).toBe(200);
    expect(stranger.sessionCookie()).toBe('');
    expect(SESSION_USE[createRoutePolicies(ROUTE_POLICIES)('/metrics').class ?? 'guarded']).toBe('none');
    for (const line of [
      'curfew_cache_lookups_total{cache="auth",result="hit"} 2',
      'curfew_cache_lookups_total{cache="auth",result="miss"} 1',
      'curfew_cache_lookups_total{cache="feed",result="hit"} 0',
      'curfew_broker_connections{broker="fake"} 1',
      'curfew_broker_logouts{status="open"} 0',
    ])
      expect(answer.text.split('\n')).toContain(line);

    await visitor.submit('/broker/fake/disconnection', {}, '/broker');
    const after = (await stranger.get('/metrics')).text.split('\n');
    expect(after).toContain('curfew_broker_connections{broker="fake"} 0');
    expect(after).toContain('curfew_broker_logouts{status="open"} 1');
  });
});
