import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createApiClient, makeKey } from '../api/api-client.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { connectSandbox, createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { importKnownSymbols } from './known-symbols.ts';
import { addPerson, makeStrategy, send } from './trader.ts';

describe('A strategy’s page', () => {
  let clock: SettableClock;
  let server: TestServer;
  let visitor: Visitor;

  beforeEach(async () => {
    clock = createSettableClock('2026-11-23T10:00:00+05:30');
    server = await startTestServer({ clock });
    visitor = createVisitor(server.origin);
    await setUp(visitor);
    await signIn(visitor);
    await connectSandbox(visitor);
    await importKnownSymbols(server.services);
  });
  afterEach(() => server.close());

  const test = (path: string, message: string) => visitor.submit(`${path}/test-signal`, { message }, path);
  const events = async () => {
    const { db } = server.infrastructure.database;
    const rows = await db.selectFrom('audit_log').select(['type', 'detail', 'actor']).orderBy('id').execute();
    return rows.filter(({ type }) => type === 'signal.tested');
  };
  const rowsOf = async (path: string): Promise<readonly string[]> =>
    [
      ...(await visitor.get(path)).text.matchAll(
        /<th role="rowheader" scope="row" class="name">([\s\S]*?)<\/tr>/g,
      ),
    ].map(([, row = '']) =>
      row
        .replaceAll(/<[^>]+>/g, '')
        .replaceAll(/\s+/g, ' ')
        .trim(),
    );

  it('sends a test that is judged like a signal, marked, audited, and delivered to no program', async () => {
    const { path, webhook } = await makeStrategy(visitor);
    const { key } = await makeKey(visitor, { scopes: 'signals:read' });
    const client = createApiClient(server.origin, key);
    const waiting = client.ask('/api/v1/signals?wait=1');
    const answer = await test(path, '{"action":"buy","quantity":4,"id":"same"}');
    expect(answer.location).toBe(`${path}?notice=test_accepted#signals-heading`);
    expect((await waiting).body).toMatchObject({ data: { signals: [], cursor: 0 } });
    expect((await client.ask('/api/v1/signals?after=0')).body).toMatchObject({ data: { signals: [] } });
    expect((await rowsOf(path))[0]).toMatch(
      /^Test Buy 4 NSE:SBIN \(MIS\) Accepted Never: it is a test just now/,
    );

    expect(await send(webhook, { action: 'buy', quantity: 4, id: 'same' })).toMatchObject({
      body: { status: 'accepted' },
    });
    expect((await client.ask('/api/v1/signals?after=0')).body).toMatchObject({
      data: { signals: [{ quantity: 4 }], cursor: 1 },
    });
    const [event] = await events();
    expect(event?.actor).toBe('asha');
    expect(event?.detail).toContain('"outcome":"accepted"');
    const metrics = (await visitor.get('/metrics')).text;
    expect(metrics).toContain('curfew_signals_total{outcome="accepted",reason=""} 1');
  });

  it('says why a test is refused, and takes one before the strategy is switched on', async () => {
    const { path } = await makeStrategy(visitor, {}, { on: false });
    expect((await test(path, 'SELL NSE:SBIN')).location).toContain('notice=test_accepted');
    expect((await test(path, 'SELL NSE:INFY')).location).toContain('notice=test_refused');
    expect((await test(path, 'hello')).location).toContain('notice=test_refused');
    const { text } = await visitor.get(path);
    expect(text).toContain('Refused</span>: its symbol is not one of the strategy’s');
    expect(text).toContain('Send a JSON object like');
    clock.set('2026-11-24T03:00:00+05:30');
    await signIn(visitor);
    expect((await test(path, 'SELL NSE:SBIN')).location).toContain('notice=test_refused');
    expect((await events()).map(({ detail }) => /"outcome":"(\w+)"/.exec(detail)?.[1])).toEqual([
      'accepted',
      'symbol_not_in_strategy',
      'malformed',
      'after_cutoff',
    ]);
  });

  it('wants a text that is not too long, and keeps what was typed', async () => {
    const { path } = await makeStrategy(visitor);
    expect((await test(path, ' ')).text).toContain('Enter what to send.');
    const long = await test(path, `BUY ${'x'.repeat(2_000)}`);
    expect([long.status, long.text.includes('at most 2,000')]).toEqual([400, true]);
    expect(long.text).toContain('BUY xxxx');
    expect(await rowsOf(path)).toEqual([]);
  });

  it('takes 60 tests an hour, says so, and keeps what was typed', async () => {
    const { path } = await makeStrategy(visitor);
    for (let sent = 0; sent < 60; sent += 1)
      expect((await test(path, 'BUY NSE:SBIN')).location).toContain('notice=test_accepted');
    const refused = await test(path, 'SELL NSE:SBIN');
    expect(refused.status).toBe(429);
    expect(refused.text).toContain('You may send 60 test signals an hour. Try again later.');
    expect(refused.text).toContain('SELL NSE:SBIN</textarea>');
    expect(await events()).toHaveLength(60);
  });

  it('is nobody else’s to test', async () => {
    const { path } = await makeStrategy(visitor);
    const { visitor: ravi, person } = await addPerson(server.origin, server.services.accounts.userAdmin);
    await signIn(ravi, person);
    expect((await ravi.submit(`${path}/test-signal`, { message: 'BUY' }, '/strategies')).status).toBe(404);
    expect(await rowsOf(path)).toEqual([]);
  });

  it('shows what was received without its secrets, and which key fetched it and when', async () => {
    const { path, webhook } = await makeStrategy(visitor);
    const { key } = await makeKey(visitor, { name: 'Breakout bot', scopes: 'signals:read' });
    await send(webhook, '{"action":"buy",  "comment":"<b>morning</b>"}');
    await send(webhook, { action: 'hold', passphrase: 'tango-7' });
    const client = createApiClient(server.origin, key);
    await client.ask('/api/v1/signals?after=0');
    await server.services.strategies.signalHistory.flush();
    clock.advance(4 * 60_000);
    const { text } = await visitor.get(path);
    expect(text).toContain(
      '{&#34;action&#34;:&#34;buy&#34;,  &#34;comment&#34;:&#34;&lt;b&gt;morning&lt;/b&gt;&#34;}',
    );
    expect(text).toContain('&#34;passphrase&#34;:&#34;[hidden]&#34;');
    expect(text).toMatch(/<a href="\/api-keys\/\w+">Breakout bot<\/a>, <time[^>]+>4 min ago/);
    expect(text).toContain('No program: it was refused');
    const { db } = server.infrastructure.database;
    const stored = JSON.stringify(await db.selectFrom('signal_bodies').selectAll().execute());
    expect(stored).not.toContain('tango-7');
  });
});
