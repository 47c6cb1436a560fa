import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeKey } from '../../api/api-client.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';
import { createVisitor, setUp } from '../../support/visitor.ts';
import { parseExposition } from './exposition.ts';

describe('the figures for monitoring', () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await startTestServer({ env: { TRUST_PROXY: '127.0.0.1' } });
  });
  afterEach(() => server.close());

  const scrape = async () => parseExposition(await (await fetch(`${server.origin}/metrics`)).text());

  test('hold a valid histogram of each class of routes, that grows with its requests', async () => {
    await fetch(`${server.origin}/auth/login`, { redirect: 'manual' });
    await fetch(`${server.origin}/auth/login`, { redirect: 'manual' });
    await fetch(`${server.origin}/assets/nothing.css`);
    const { histograms, value, types } = await scrape();
    expect(types.get('curfew_http_request_duration_seconds')).toBe('histogram');
    const form = histograms('curfew_http_request_duration_seconds', { class: 'form' });
    expect(form.buckets.map(([le]) => le)).toEqual([
      '0.005',
      '0.01',
      '0.025',
      '0.05',
      '0.1',
      '0.25',
      '0.5',
      '1',
      '2.5',
      '+Inf',
    ]);
    expect(form.buckets.map(([, count]) => count)).toEqual(
      form.buckets.map(([, count]) => count).toSorted((a, b) => a - b),
    );
    expect(form.buckets.at(-1)?.[1]).toBe(2);
    expect(form.count).toBe(2);
    expect(form.sum).toBeGreaterThan(0);
    expect(form.sum).toBeLessThan(20);
    expect(value('curfew_http_requests_total', { class: 'form', status: 'ok' })).toBe(2);
    expect(value('curfew_http_requests_total', { class: 'static', status: '404' })).toBe(1);
  });

  test('hold the event loop, the queues and the alerts', async () => {
    const { load } = server.services;
    load.monitor.start();
    await expect
      .poll(async () => {
        await load.monitor.check();
        return (await scrape()).value('curfew_event_loop_delay_seconds', { quantile: '0.99' });
      })
      .toBeLessThan(10);
    const { value } = await scrape();
    for (const queue of [
      'revocations',
      'broker_logouts',
      'telegram',
      'mail',
      'passwords',
      'api_keys',
      'traffic',
      'ban_hits',
    ])
      expect(value('curfew_queue_depth', { queue })).toBeGreaterThanOrEqual(0);
    expect(value('curfew_alerts', {})).toBe(0);
    expect(value('curfew_broker_token_refreshes_total', { outcome: 'refreshed' })).toBe(0);
  });

  test('leave out how long a program waited for a signal', async () => {
    const visitor = createVisitor(server.origin);
    await setUp(visitor);
    await visitor.submit('/auth/login', { username: 'asha', password: 'quiet-monsoon-harbour-42' });
    const { key } = await makeKey(visitor, { scopes: ['signals:read'] });
    const answer = await fetch(`${server.origin}/api/v1/signals?wait=1`, {
      headers: { Authorization: `Bearer ${key}` },
    });
    expect(answer.status).toBe(200);
    const { value, histograms } = await scrape();
    expect(value('curfew_http_requests_total', { class: 'api', status: 'ok' })).toBe(1);
    expect(histograms('curfew_http_request_duration_seconds', { class: 'api' }).count).toBe(0);
  });

  test('are for this machine and private networks, unless METRICS_ALLOW says otherwise', async () => {
    const from = async (address: string, origin = server.origin) => {
      const answer = await fetch(`${origin}/metrics`, { headers: { 'X-Forwarded-For': address } });
      return { status: answer.status, text: await answer.text() };
    };
    for (const address of ['127.0.0.1', '10.2.3.4', '172.16.0.1', '192.168.1.1', '::1', 'fd00::1', 'fe80::1'])
      expect((await from(address)).status).toBe(200);
    for (const address of ['203.0.113.9', '172.32.0.1', '11.0.0.1', '2001:db8::1']) {
      const { status, text } = await from(address);
      expect(status).toBe(403);
      expect(text).toContain('METRICS_ALLOW');
      expect(text).not.toContain('curfew_');
    }
    const open = await startTestServer({ env: { TRUST_PROXY: '127.0.0.1', METRICS_ALLOW: 'any' } });
    const closed = await startTestServer({
      env: { TRUST_PROXY: '127.0.0.1', METRICS_ALLOW: '203.0.113.0/24' },
    });
    try {
      expect((await from('203.0.113.9', open.origin)).status).toBe(200);
      expect((await from('203.0.113.9', closed.origin)).status).toBe(200);
      expect((await from('127.0.0.2', closed.origin)).status).toBe(403);
    } finally {
      await open.close();
      await closed.close();
    }
  });
});
