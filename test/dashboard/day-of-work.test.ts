import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HOUR_MS, MINUTE_MS } from '../../src/core/duration.ts';
import { createApiClient, makeKey } from '../api/api-client.ts';
import { importKnownSymbols } from '../strategies/known-symbols.ts';
import { makeStrategy, send } from '../strategies/trader.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { connectSandbox, createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';

describe('The dashboard', () => {
  let clock: SettableClock;
  let server: TestServer;
  let visitor: Visitor;

  beforeEach(async () => {
    clock = createSettableClock('2026-11-23T10:00:00+05:30');
    server = await startTestServer({ clock, env: { SESSION_IDLE_TIMEOUT: 'off' } });
    visitor = createVisitor(server.origin);
    await setUp(visitor);
    await signIn(visitor);
  });
  afterEach(() => server.close());

  const textOf = async (path = '/dashboard') =>
    (await visitor.get(path)).text.replaceAll(/<[^>]+>/g, ' ').replaceAll(/\s+/g, ' ');

  async function passCutoff(): Promise<void> {
    clock.set('2026-11-24T03:00:00+05:30');
    await server.services.revocation.sweep.runIfDue();
    clock.advance(6 * HOUR_MS);
    await signIn(visitor);
  }

  it('counts the signals of the day, tests aside, and names the programs that ask for them', async () => {
    await connectSandbox(visitor);
    await importKnownSymbols(server.services);
    expect(await textOf()).toContain('No signal since the last cutoff.');
    const { path, webhook } = await makeStrategy(visitor, { name: 'Breakout' });
    await send(webhook, 'BUY NSE:SBIN 4');
    await send(webhook, 'BUY NSE:INFY');
    await visitor.submit(`${path}/test-signal`, { message: 'SELL NSE:SBIN' }, path);
    const { key } = await makeKey(visitor, { name: 'Bot', scopes: 'signals:read' });
    await createApiClient(server.origin, key).ask('/api/v1/signals');
    await server.services.api.usage.flush();

    const text = await textOf();
    expect(text).toContain('1 accepted, 1 refused');
    expect(text).toMatch(/Buy 4 NSE:SBIN \(MIS\) Breakout Accepted just now/);
    expect(text).toMatch(/Buy NSE:INFY Breakout Refused : its symbol is not one/);
    expect(text).not.toContain('Sell 10 NSE:SBIN');
    expect(text).toMatch(/Bot Running 127\.0\.0\.1 just now/);
    clock.advance(3 * MINUTE_MS);
    expect(await textOf()).toMatch(/Bot Quiet 127\.0\.0\.1 3 min ago/);

    await visitor.submit(`${path}/deletion`, {}, path);
    expect(await textOf()).toContain('No signal since the last cutoff.');

    await passCutoff();
    const next = await textOf();
    expect(next).toContain('No signal since the last cutoff.');
    expect(next).toContain('No program has used an API key since the last cutoff.');
  });

  it('begins with the receipt on the first visit after a cutoff, for each person', async () => {
    await passCutoff();
    const first = await visitor.get('/dashboard');
    expect(first.text.indexOf('What ended at the cutoff')).toBeGreaterThan(0);
    expect(first.text.indexOf('What ended at the cutoff')).toBeLessThan(first.text.indexOf('Next cutoff in'));
    const second = await visitor.get('/dashboard');
    expect(second.text).not.toContain('What ended at the cutoff');
    expect(second.text.indexOf('Last receipt')).toBeGreaterThan(second.text.indexOf('Next cutoff in'));
    const elsewhere = createVisitor(server.origin);
    await signIn(elsewhere);
    expect((await elsewhere.get('/dashboard')).text).toContain('What ended at the cutoff');
  });

  it('hides the strip of lost brokers for the day, here and in this browser, and not what is lost later', async () => {
    await connectSandbox(visitor);
    await passCutoff();
    expect(await textOf('/settings')).toContain('Practice broker is not connected.');
    const hide = { returnTo: '/settings?x=1' };
    const answer = await visitor.submit('/broker/banner/dismissal', hide, '/settings');
    expect([answer.status, answer.location]).toEqual([303, '/settings?x=1']);
    expect(await textOf('/settings')).not.toContain('Practice broker is not connected.');
    expect(await textOf()).toContain('Expired at the cutoff');
    const elsewhere = createVisitor(server.origin);
    await signIn(elsewhere);
    expect((await elsewhere.get('/settings')).text).toContain('is not connected.');

    clock.set('2026-11-25T03:00:00+05:30');
    await server.services.revocation.sweep.runIfDue();
    await signIn(visitor);
    expect(await textOf('/settings')).toContain('Practice broker is not connected.');
    const foreign = await visitor.submit('/broker/banner/dismissal', { returnTo: '//evil' }, '/settings');
    expect(foreign.location).toBe('/dashboard');
  });
});
