import express from 'express';
import { register as globalRegistry } from 'prom-client';
import supertest from 'supertest';
import { afterEach, describe, expect, it } from 'vitest';
import { createBrokerMetrics } from '../../src/broker/broker-metrics.ts';
import {
  counter,
  createMetrics,
  createMetricsRegistry,
  gauge,
  histogram,
  type Metric,
} from '../../src/http/metrics.ts';
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

  /** Asks a server that has these alone. */
  function scrape(metrics: readonly Metric[]) {
    const app = express().use(createMetrics(createMetricsRegistry(metrics), { isAllowed: () => true }));
    app.set('trust proxy', () => false);
    return supertest(app).get('/metrics');
  }

  it('are not shown to what a proxy passes on that TRUST_PROXY does not name: anyone may be behind it', async () => {
    server = await startTestServer();
    const ask = (headers: Record<string, string>) => fetch(`${server?.origin}/metrics`, { headers });
    expect((await ask({})).status).toBe(200);
    const refused = await ask({ 'X-Forwarded-For': '203.0.113.9', Accept: 'application/json' });
    expect(refused.status).toBe(403);
    expect(await refused.text()).toContain('TRUST_PROXY');
    await server.close();
    server = await startTestServer({ env: { METRICS_ALLOW: 'any' } });
    expect((await ask({ 'X-Forwarded-For': '203.0.113.9' })).status).toBe(200);
  });

  it('are written as Prometheus reads them, and a source that fails is left out', async () => {
    const answer = await scrape([
      gauge({
        name: 'curfew_rows',
        help: 'Rows.',
        read: () => Promise.reject(new Error('the database is away')),
      }),
      counter({
        name: 'curfew_things_total',
        help: 'Things.',
        labelNames: ['a', 'b'],
        read: () => [
          { labels: {}, value: 3 },
          { labels: { a: 'say "hi"\\\n', b: 'x' }, value: 0.5 },
        ],
      }),
    ]);
    expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(answer.text).toBe(
      '# HELP curfew_things_total Things.\n# TYPE curfew_things_total counter\ncurfew_things_total 3\ncurfew_things_total{a="say \\"hi\\"\\\\\\n",b="x"} 0.5\n',
    );
  });

  it('write a histogram as buckets that count up, a sum and a count', async () => {
    const { text } = await scrape([
      histogram({
        name: 'curfew_waits',
        help: 'Waits.',
        read: () => [{ labels: { class: 'api' }, bounds: [0.1, 1], counts: [3, 0, 2], sum: 7.5 }],
      }),
    ]);
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

  it('are the figures of the moment at each scrape, and not the sum of what earlier ones saw', async () => {
    let waiting = 5;
    const metrics = [
      counter({ name: 'curfew_things_total', help: 'Things.', read: () => 3 }),
      gauge({
        name: 'curfew_waiting',
        help: 'What waits.',
        labelNames: ['queue'],
        read: () => (waiting === 0 ? [] : [{ labels: { queue: 'mail' }, value: waiting }]),
      }),
    ];
    expect((await scrape(metrics)).text).toContain('curfew_waiting{queue="mail"} 5\n');
    waiting = 0;
    const { text } = await scrape(metrics);
    expect(text).toContain('curfew_things_total 3\n');
    expect(text).not.toContain('curfew_waiting{');
  });

  it('of a feature are left out one by one while the database is away', async () => {
    const away = () => Promise.reject(new Error('the database is away'));
    const { text } = await scrape(
      createBrokerMetrics({
        tokens: { countAlive: away },
        failedLogouts: { count: away },
        refresher: { counted: { refreshed: 2, postponed: 0, ended: 0, late: 0 } },
        adapters: new Map(),
        calendar: { last: () => 0 },
        clock: createSettableClock('2026-11-20T09:15:00+05:30'),
      }),
    );
    expect(text).toContain('curfew_broker_token_refreshes_total{outcome="refreshed"} 2\n');
    expect(text).not.toContain('curfew_broker_logouts');
  });

  it('of two servers in one process are apart, and none of them is global', async () => {
    const asked = await startTestServer();
    server = await startTestServer();
    try {
      await createVisitor(asked.origin).get('/auth/login');
      const figures = async (origin: string) => (await createVisitor(origin).get('/metrics')).text;
      const line = 'curfew_http_requests_total{class="form",status="ok"} 1\n';
      expect(await figures(asked.origin)).toContain(line);
      expect(await figures(server.origin)).not.toContain(line);
      expect(globalRegistry.getMetricsAsArray()).toEqual([]);
    } finally {
      await asked.close();
    }
  });

  it('count hits and misses of the token caches, connections and logouts, without a session', async () => {
    const clock = createSettableClock('2026-11-20T09:15:00+05:30');
    server = await startTestServer({ clock, adapters: [createFakeBroker(clock).adapter] });
    const visitor = createVisitor(server.origin);
    await setUp(visitor);
    await signIn(visitor);
    await connectFake(visitor);
    const user = await server.infrastructure.database.db
      .selectFrom('users')
      .select('id')
      .executeTakeFirstOrThrow();
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
