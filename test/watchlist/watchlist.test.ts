import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importKnownSymbols } from '../strategies/known-symbols.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { connectSandbox, createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';

describe('Watched symbols, without a script', () => {
  let server: TestServer;
  let asha: Visitor;

  beforeAll(async () => {
    server = await startTestServer({ env: { SANDBOX_MARKET: 'always' } });
    asha = createVisitor(server.origin);
    await setUp(asha);
    await signIn(asha);
    await importKnownSymbols(server.services);
  });
  afterAll(() => server.close());

  const watch = (symbol: string) => asha.submit('/watchlist', { symbol });
  const streams = () => [...server.services.upstreams.all()];

  it('are found by searching and added with a button', async () => {
    expect((await asha.get('/dashboard')).text).toContain('Watch up to 20 symbols here');
    const { text } = await asha.get('/watchlist?q=infosys');
    expect(text).toContain('name="symbol" value="NSE:INFY"');
    expect((await watch('NSE:INFY')).location).toBe('/watchlist?notice=added');
    expect((await asha.get('/watchlist?q=infosys')).text).not.toContain('Watch<span');
    expect((await asha.get('/dashboard')).text).toMatch(/NSE:INFY[\s\S]*No price yet/);
  });

  it.each([
    ['NSE:NOSUCH', 'unknown'],
    ['NSE:IMC1', 'ambiguous'],
  ])('are not %s, and the page says why', async (symbol, notice) => {
    const { location } = await watch(symbol);
    expect(location).toBe(`/watchlist?notice=${notice}`);
    expect((await asha.get(location)).text).toContain('role="alert"');
  });

  it('are refused where they are no symbol', async () => {
    expect((await watch('INFY')).status).toBe(400);
  });

  it('have their last price on the dashboard once a broker is connected, and the look at it ends by itself', async () => {
    await connectSandbox(asha);
    await asha.get('/dashboard');
    await expect.poll(streams).toHaveLength(1);
    await expect
      .poll(async () => (await asha.get('/dashboard')).text, { timeout: 10_000 })
      .toMatch(/NSE:INFY[\s\S]*data-price>[\d,]+\.\d\d</);
    await asha.submit('/auth/logout', {});
    expect(streams()).toEqual([]);
    await signIn(asha);
  });

  it('can be removed', async () => {
    const answer = await asha.submit('/watchlist/removal', { symbol: 'NSE:INFY' }, '/watchlist');
    expect(answer.location).toBe('/watchlist?notice=removed');
    expect((await asha.get('/dashboard')).text).not.toContain('NSE:INFY');
  });
});
