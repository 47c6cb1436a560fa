import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AuditEvent } from '../../src/core/audit-event.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { connectSandbox, createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { importKnownSymbols } from './known-symbols.ts';
import { MONDAY_MORNING } from './strategy-world.ts';
import { makeStrategy, send, signed } from './trader.ts';

describe('A webhook', () => {
  let clock: SettableClock;
  let server: TestServer;
  let visitor: Visitor;

  async function start(env: Readonly<Record<string, string>> = {}): Promise<void> {
    clock = createSettableClock(MONDAY_MORNING);
    server = await startTestServer({
      clock,
      env: { SESSION_IDLE_TIMEOUT: 'off', WEBHOOK_RATE_LIMIT: '1000/minute', ...env },
    });
    visitor = createVisitor(server.origin);
    await setUp(visitor);
    await signIn(visitor);
    await connectSandbox(visitor);
    await importKnownSymbols(server.services);
  }
  beforeEach(() => start());
  afterEach(() => server.close());

  const make = (fields: Parameters<typeof makeStrategy>[1] = {}, options?: { on: boolean }) =>
    makeStrategy(visitor, fields, options);

  async function refusals(): Promise<readonly string[]> {
    const rows = await server.infrastructure.database.db
      .selectFrom('audit_log')
      .select(['detail', 'actor'])
      .where('type', '=', 'signal.refused')
      .orderBy('id')
      .execute();
    return rows.map(({ detail }) => {
      const event: AuditEvent = JSON.parse(detail);
      return event.type === 'signal.refused' ? event.why : '';
    });
  }
  async function delivered() {
    const user = await server.infrastructure.database.db
      .selectFrom('users')
      .select('id')
      .executeTakeFirstOrThrow();
    const request = { limit: 100, waitMs: 0, abort: new AbortController().signal };
    const reading = await server.services.strategies.signalsAfter(user.id, 0, request);
    return reading.kind === 'page' ? reading.signals : [];
  }

  it('takes TradingView’s JSON and text, and a program’s JSON', async () => {
    const { webhook, path } = await make({ platform: 'tradingview' });
    const alert = { action: 'buy', ticker: 'SBIN', exchange: 'NSE', quantity: '5', price: '812.55' };
    expect(await send(webhook, alert)).toMatchObject({ status: 200, body: { status: 'accepted' } });
    expect(await send(webhook, 'SELL NSE:SBIN 5')).toMatchObject({ status: 200 });
    expect(await send(webhook, JSON.stringify({ action: 'exit' }))).toMatchObject({ status: 200 });
    const asOctets = await send(webhook, { action: 'buy' }, { 'Content-Type': 'application/octet-stream' });
    expect(asOctets.status).toBe(200);
    expect(await delivered()).toMatchObject([
      { action: 'buy', quantity: 5, price: 812.55, product: 'MIS', strategyName: 'Breakout' },
      { action: 'sell', quantity: 5 },
      { action: 'exit', quantity: 10 },
      { action: 'buy', quantity: 10 },
    ]);
    const page = await visitor.get(path);
    expect(page.text).toContain('Buy 5 NSE:SBIN (MIS)');
    expect(page.text).toContain('Accepted');
  });

  it('answers 404 for an id that there is not, in the same words whatever it looks like', async () => {
    const unknown = `${server.origin}/api/v1/webhooks/`;
    const answers = [];
    for (const id of ['x', 'A'.repeat(32), `${'A'.repeat(31)}%27`, 'a'.repeat(4000)])
      answers.push(await send(unknown + id));
    for (const { status, body } of answers) {
      expect(status).toBe(404);
      expect(body).toEqual({
        status: 'error',
        error: 'not_found',
        message: 'There is nothing at this address.',
      });
    }
  });

  it('takes POST only, and says so', async () => {
    const { webhook } = await make();
    const answer = await fetch(webhook);
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('POST');
    expect(answer.headers.get('set-cookie')).toBeNull();
  });

  it('refuses while the strategy is off, and shows it', async () => {
    const { webhook, path } = await make({}, { on: false });
    const answer = await send(webhook);
    expect(answer).toMatchObject({
      status: 409,
      body: { status: 'error', error: 'signal_refused', reason: 'inactive' },
    });
    expect((await visitor.get(path)).text).toContain('the strategy was switched off');
    await visitor.submit(`${path}/activation`, {}, path);
    expect((await send(webhook)).status).toBe(200);
    await visitor.submit(`${path}/deactivation`, {}, path);
    expect((await send(webhook)).status).toBe(409);
    expect(await refusals()).toEqual(['inactive', 'inactive']);
  });

  it('refuses what it cannot read, and says which part', async () => {
    const { webhook, path } = await make();
    expect(await send(webhook, { action: 'hold' })).toMatchObject({
      status: 400,
      body: { error: 'invalid', fields: { action: expect.stringContaining('buy') } },
    });
    expect((await send(webhook, '')).status).toBe(400);
    expect((await send(webhook, 'order now please now')).status).toBe(400);
    expect(await refusals()).toEqual(['malformed', 'malformed', 'malformed']);
    const page = (await visitor.get(path)).text;
    expect(page).toContain('could not be read as a signal');
    expect(page).toContain('action: Must be one of buy, sell, exit.');
  });

  it('refuses bodies over 16 kB and packed ones', async () => {
    const { webhook } = await make();
    expect((await send(webhook, 'x'.repeat(16 * 1024))).status).toBe(400);
    expect(await send(webhook, 'x'.repeat(16 * 1024 + 1))).toMatchObject({
      status: 413,
      body: { error: 'too_large' },
    });
    expect((await send(webhook, 'BUY', { 'Content-Encoding': 'gzip' })).status).toBe(400);
  });

  it('refuses outside of the window, and at the minute of its end', async () => {
    const { webhook } = await make({ days: ['mon'], start: '09:15', end: '15:30' });
    clock.set('2026-11-23T15:29:59.999+05:30');
    // The practice broker's tokens last an hour: the refresher has kept this one alive.
    await server.services.brokers.refresher.drain();
    expect((await send(webhook)).status).toBe(200);
    clock.set('2026-11-23T15:30:00.000+05:30');
    expect(await send(webhook)).toMatchObject({
      status: 409,
      body: { error: 'signal_refused', reason: 'outside_window' },
    });
    expect(await refusals()).toEqual(['outside_window']);
  });

  it('refuses symbols that are not the strategy’s or nobody knows, and quantities above its own', async () => {
    const { webhook, path } = await make({
      symbol: ['NSE:SBIN', 'NFO:NIFTY26DEC25000CE'],
      quantity: ['10', '75'],
      product: ['MIS', 'NRML'],
    });
    await importKnownSymbols(server.services, 'NIFTY26DEC25000CE');
    for (const [body, reason] of [
      ['BUY NSE:INFY', 'symbol_not_in_strategy'],
      ['BUY NFO:NIFTY26DEC25000CE', 'unknown_symbol'],
      ['BUY NSE:SBIN 11', 'quantity_too_large'],
    ] as const)
      expect(await send(webhook, body)).toMatchObject({ status: 409, body: { reason } });
    expect((await visitor.get(path)).text).toContain('Not in the instrument list');
    expect(await delivered()).toEqual([]);
  });

  it('refuses a quantity that is not in lots, and says what the lot is', async () => {
    const { webhook, path } = await make({
      symbol: 'NFO:NIFTY26DEC25000CE',
      quantity: '150',
      product: 'NRML',
    });
    expect(await send(webhook, { action: 'buy', qty: 100 })).toMatchObject({
      status: 409,
      body: {
        error: 'signal_refused',
        reason: 'quantity_not_in_lots',
        fields: { quantity: 'Must be a multiple of the lot, 75.' },
      },
    });
    expect((await visitor.get(path)).text).toContain('its quantity is not a whole number of lots');
    expect((await send(webhook, { action: 'buy', contracts: '75' })).status).toBe(200);
    expect(await delivered()).toMatchObject([{ quantity: 75 }]);
  });

  it('refuses a symbol that has become the name of several instruments, with the choices', async () => {
    const { webhook, path, id } = await make();
    const symbols = JSON.stringify([
      { exchange: 'NSE', tradingSymbol: 'IMC1', quantity: 1, product: 'CNC' },
      { exchange: 'NSE', tradingSymbol: '14224', quantity: 1, product: 'CNC' },
    ]);
    await server.infrastructure.database.db
      .updateTable('strategies')
      .set({ symbols })
      .where('id', '=', id)
      .execute();
    expect(await send(webhook, 'BUY NSE:IMC1')).toMatchObject({
      status: 409,
      body: { reason: 'ambiguous_symbol', fields: { symbol: 'Say which: NSE:14219, NSE:14224.' } },
    });
    expect((await visitor.get(path)).text).toContain('The name of several instruments');
    expect((await send(webhook, 'BUY NSE:14224')).status).toBe(200);
    expect(await delivered()).toMatchObject([{ tradingSymbol: '14224', quantity: 1 }]);
  });

  it('trades nothing by the strategy’s quantity where the message says another in a word that it does not know', async () => {
    const { webhook, path } = await make();
    expect(await send(webhook, { action: 'buy', lots: 1 })).toMatchObject({
      status: 400,
      body: { error: 'invalid', fields: { lots: expect.stringContaining('could change what is traded') } },
    });
    expect(await send(webhook, { action: 'buy', product: 'CNC' })).toMatchObject({
      status: 400,
      body: { fields: { product: 'The strategy trades it as MIS.' } },
    });
    expect((await visitor.get(path)).text).toContain('lots: Not understood');
    const openalgo = { action: 'BUY', symbol: 'SBIN', exchange: 'NSE', quantity: '1', pricetype: 'MARKET' };
    const zeros = { price: '0', trigger_price: '0', product: 'MIS' };
    expect((await send(webhook, { ...openalgo, ...zeros })).status).toBe(200);
    expect(await delivered()).toMatchObject([{ quantity: 1, price: undefined }]);
  });

  it('refuses for a disabled account, in the words of a strategy that is off', async () => {
    const { webhook } = await make();
    await server.infrastructure.database.db.updateTable('users').set({ disabled: 1 }).execute();
    const answer = await send(webhook);
    expect(answer).toMatchObject({ status: 409, body: { error: 'signal_refused', reason: 'inactive' } });
    expect(await refusals()).toEqual(['account_disabled']);
  });

  it('refuses without the broker, and takes the same signal once it is connected', async () => {
    const { webhook, path } = await make();
    await visitor.submit('/broker/sandbox/disconnection', {}, '/broker');
    const signal = { action: 'buy', id: 'the-same' };
    expect(await send(webhook, signal)).toMatchObject({
      status: 409,
      body: { error: 'broker_reauth_required', reason: 'broker_not_connected' },
    });
    expect((await visitor.get(path)).text).toContain('is not connected: signals are refused');
    await connectSandbox(visitor);
    expect(await send(webhook, signal)).toMatchObject({ status: 200, body: { status: 'accepted' } });
  });

  it('refuses from the instant of the cutoff, says so, and keeps nothing for the morning', async () => {
    const { webhook, path } = await make();
    clock.set('2026-11-24T02:59:59.999+05:30');
    // The practice broker's tokens last an hour: the refresher has kept this one alive.
    await server.services.brokers.refresher.drain();
    expect((await send(webhook, 'BUY NSE:SBIN')).status).toBe(200);
    clock.set('2026-11-24T03:00:00.000+05:30');
    expect(await send(webhook, 'SELL NSE:SBIN')).toMatchObject({
      status: 409,
      body: { error: 'broker_reauth_required', reason: 'after_cutoff' },
    });
    await server.services.revocation.sweep.runIfDue();
    expect((await send(webhook, 'SELL NSE:SBIN')).body).toMatchObject({ reason: 'after_cutoff' });
    expect(await refusals()).toEqual(['after_cutoff', 'after_cutoff']);

    await signIn(visitor);
    await connectSandbox(visitor);
    expect((await visitor.get(path)).text).toContain('it came after the cutoff');
    expect(await delivered()).toEqual([]);
    expect((await send(webhook, 'SELL NSE:SBIN')).status).toBe(200);
    expect(await delivered()).toMatchObject([{ action: 'sell' }]);
  });

  it('takes a signal once, however often it is delivered', async () => {
    const { webhook, path } = await make();
    const named = { action: 'buy', id: 'entry-1' };
    const first = await send(webhook, named);
    clock.advance(59 * 60_000);
    // The practice broker's tokens last an hour: the refresher has kept this one alive.
    await server.services.brokers.refresher.drain();
    expect(await send(webhook, { ...named, price: 5 })).toEqual({
      ...first,
      headers: expect.anything(),
      body: { ...Object(first.body), status: 'duplicate' },
    });
    expect((await send(webhook, { ...named, action: 'sell' })).body).toMatchObject({ status: 'accepted' });
    clock.advance(60_000);
    expect((await send(webhook, named)).body).toMatchObject({ status: 'accepted' });

    expect((await send(webhook, 'BUY')).body).toMatchObject({ status: 'accepted' });
    clock.advance(29_999);
    expect((await send(webhook, 'BUY')).body).toMatchObject({ status: 'duplicate' });
    clock.advance(1);
    expect((await send(webhook, 'BUY')).body).toMatchObject({ status: 'accepted' });
    expect((await visitor.get(path)).text).toContain('came 2 times, counted once');
    expect(await delivered()).toHaveLength(5);
  });

  it('demands a signature where the owner has asked for one', async () => {
    const { webhook, path } = await make();
    const made = await visitor.submit(`${path}/signing-secret`, {}, path);
    expect(made.status).toBe(201);
    const secret = /cws_[\w-]{43}/.exec(made.text)?.[0] ?? '';
    expect((await visitor.get(path)).text).not.toContain(secret);

    const body = JSON.stringify({ action: 'buy' });
    const answer = await send(webhook, body);
    expect(answer).toMatchObject({ status: 403, body: { error: 'forbidden' } });
    expect(JSON.stringify(answer.body)).not.toContain('signature');
    const headers = signed(secret, body, clock.now());
    expect((await send(webhook, `${body} `, headers)).status).toBe(403);
    expect((await send(webhook, body, headers)).body).toMatchObject({ status: 'accepted' });
    // Somebody who has recorded it sends it again, while it holds and afterwards.
    clock.advance(5 * 60_000);
    expect((await send(webhook, body, headers)).body).toMatchObject({ status: 'duplicate' });
    clock.advance(1000);
    expect((await send(webhook, body, headers)).status).toBe(403);
    expect((await send(webhook, body, signed(secret, body, clock.now()))).body).toMatchObject({
      status: 'accepted',
    });
    expect(await refusals()).toEqual(['bad_signature', 'bad_signature', 'stale_signature']);
    const page = await visitor.get(path);
    expect(page.text).toContain('its signature was missing or wrong');
    expect(page.text).toContain('more than five minutes old');

    const next = /cws_[\w-]{43}/.exec((await visitor.submit(`${path}/signing-secret`, {}, path)).text)?.[0];
    const sell = '{"action":"sell"}';
    expect((await send(webhook, sell, signed(secret, sell, clock.now()))).status).toBe(403);
    expect((await send(webhook, sell, signed(next ?? '', sell, clock.now()))).status).toBe(200);
    await visitor.submit(`${path}/signing-secret/removal`, {}, path);
    expect((await send(webhook, 'EXIT')).status).toBe(200);
  });

  it('lets TradingView’s addresses in at the press of a button, and nobody else', async () => {
    await server.close();
    await start({ TRUST_PROXY: '127.0.0.1' });
    const { webhook, path } = await make({ platform: 'tradingview' });
    await visitor.submit(`${path}/allowed-addresses`, { preset: 'tradingview' }, path);
    const from = (address: string) => send(webhook, `BUY NSE:SBIN`, { 'X-Forwarded-For': address });
    expect((await from('52.89.214.238')).status).toBe(200);
    expect((await from('203.0.113.7')).status).toBe(403);
    // What the client claims stands to the left of what the proxy saw.
    expect((await from('52.89.214.238, 203.0.113.7')).status).toBe(403);
    expect((await send(webhook)).status).toBe(403);
    expect(await refusals()).toEqual(['bad_address', 'bad_address', 'bad_address']);
    const page = (await visitor.get(path)).text;
    expect(page).toContain('These are the four that TradingView publishes');
    expect(page).toContain('from an address that is not on the list');

    await visitor.submit(`${path}/allowed-addresses`, { addresses: '203.0.113.0/24' }, path);
    expect((await from('203.0.113.7')).status).toBe(200);
    const wrong = await visitor.submit(`${path}/allowed-addresses`, { addresses: 'tradingview.com' }, path);
    expect(wrong.status).toBe(400);
    expect(wrong.text).toContain('tradingview.com is not an address');
    expect((await from('203.0.113.8')).status).toBe(200);
  });

  it('has a limit for those who may send, and another one for strangers', async () => {
    await server.close();
    await start({ WEBHOOK_RATE_LIMIT: '3/minute' });
    const { webhook, path } = await make();
    const secret =
      /cws_[\w-]{43}/.exec((await visitor.submit(`${path}/signing-secret`, {}, path)).text)?.[0] ?? '';
    for (let each = 0; each < 3; each += 1) expect((await send(webhook)).status).toBe(403);
    const refused = await send(webhook);
    expect(refused).toMatchObject({ status: 429, body: { error: 'rate_limited' } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await refusals()).toHaveLength(3);

    for (let each = 0; each < 3; each += 1) {
      const body = `{"action":"buy","id":${each}}`;
      expect((await send(webhook, body, signed(secret, body, clock.now()))).status).toBe(200);
    }
    const body = '{"action":"buy","id":4}';
    expect((await send(webhook, body, signed(secret, body, clock.now()))).status).toBe(429);
    const other = await make({ name: 'Other' });
    expect((await send(other.webhook)).status).toBe(200);
  });

  it('counts what becomes of signals', async () => {
    const { webhook } = await make();
    await send(webhook, 'BUY');
    await send(webhook, 'BUY');
    await send(webhook, 'BUY NSE:INFY');
    const metrics = (await visitor.get('/metrics')).text;
    for (const line of [
      'curfew_signals_total{outcome="accepted",reason=""} 1',
      'curfew_signals_total{outcome="duplicate",reason=""} 1',
      'curfew_signals_total{outcome="refused",reason="symbol_not_in_strategy"} 1',
      'curfew_signals_total{outcome="refused",reason="after_cutoff"} 0',
      'curfew_signal_requests_waiting 0',
    ])
      expect(metrics).toContain(line);
  });

  it('leaves its secrets in no log', async () => {
    const { webhook, path } = await make();
    const id = webhook.split('/').at(-1) ?? '';
    const made = await visitor.submit(`${path}/signing-secret`, {}, path);
    const secret = /cws_[\w-]{43}/.exec(made.text)?.[0] ?? '';
    const origin = server.origin;
    for (const address of [webhook, `${origin}/api/v1//webhooks/${id}`, `${origin}/API/v1/Webhooks/${id}/x`])
      await send(address, secret);
    await fetch(`${origin}/api/v1/webhooks%2F${id}`, { method: 'POST' });
    await fetch(`${webhook}?token=${secret}`, { method: 'GET' });
    // A failure inside is logged with its cause.
    await server.infrastructure.database.db.schema.alterTable('strategies').renameTo('elsewhere').execute();
    expect((await send(webhook)).status).toBe(500);
    const log = server.logText();
    expect(log).toContain('/api/v1/webhooks/…');
    expect(log).toContain('A request failed');
    expect(log).not.toContain(id);
    expect(log).not.toContain(secret);
  });
});
