import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { importKnownSymbols } from './known-symbols.ts';
import { makeStrategy, STRATEGY_FORM } from './trader.ts';

describe('The form of a strategy, without a script', () => {
  let server: TestServer;
  let visitor: Visitor;

  beforeAll(async () => {
    server = await startTestServer();
    visitor = createVisitor(server.origin);
    await setUp(visitor);
    await signIn(visitor);
    await importKnownSymbols(server.services);
  });
  afterAll(() => server.close());

  const press = (fields: Readonly<Record<string, string | readonly string[]>>, path = '/strategies') =>
    visitor.submit(path, { ...STRATEGY_FORM, name: 'Half typed', ...fields }, '/strategies/new');
  const rowsOf = (text: string) =>
    [...text.matchAll(/id="symbol-\d+" name="symbol" type="text" value="([^"]*)"/g)].map(
      ([, value]) => value,
    );
  const made = async () => (await visitor.get('/strategies')).text.includes('Half typed');

  it('adds a row, keeps what was typed, and makes nothing', async () => {
    const page = await press({ step: 'row', symbol: ['NSE:SBIN', '', ''], quantity: ['', '', ''], days: [] });
    expect(page.status).toBe(200);
    expect(rowsOf(page.text)).toEqual(['NSE:SBIN', '', '', '']);
    expect(page.text).toMatch(/id="symbol-3"[^>]* autofocus/);
    expect(page.text).toContain('value="Half typed"');
    expect(page.text).not.toContain('Error: ');
    expect(await made()).toBe(false);
    const full = await press({
      step: 'row',
      symbol: Array(25).fill('NSE:SBIN'),
      quantity: Array(25).fill('1'),
    });
    expect(rowsOf(full.text)).toHaveLength(25);
    expect(full.text).not.toContain('Add row');
  });

  it('finds symbols by words, with Enter too, and puts the chosen one into a free row with its lot', async () => {
    for (const step of [{ step: 'find' }, {}]) {
      const page = await press({ ...step, find: 'nifty 25000' });
      expect(page.text).toContain('name="pick" value="NFO:NIFTY26DEC25000CE 75"');
      expect(page.text).toContain('NIFTY, 2026-12-31, lot 75');
    }
    expect((await press({ find: 'nothing like it' })).text).toContain('No symbol was found.');
    const picked = await press({ pick: 'NFO:NIFTY26DEC25000CE 75', find: 'nifty 25000' });
    expect(rowsOf(picked.text)).toEqual(['NSE:SBIN', 'NFO:NIFTY26DEC25000CE', '', '']);
    expect(picked.text).toMatch(/id="quantity-1"[^>]*value="75"[^>]* autofocus/);
    const nonsense = await press({ pick: '"><script>' });
    expect([nonsense.status, nonsense.text.includes('<script>')]).toEqual([200, false]);
    expect(await made()).toBe(false);
  });

  it('names bonds of one symbol apart, so that what is chosen is taken', async () => {
    const { text } = await press({ step: 'find', find: 'imc1' });
    const names = [...text.matchAll(/name="pick" value="([^"]+) 1"/g)].map(([, name = '']) => name);
    expect(new Set(names).size).toBe(2);
    for (const name of names) {
      const answer = await visitor.submit(
        '/strategies',
        { ...STRATEGY_FORM, name: `Bond ${name}`, symbol: name },
        '/strategies/new',
      );
      expect(answer.status, answer.text.slice(0, 200)).toBe(303);
    }
  });

  it('does the same while a strategy is changed, and saves when it is asked to', async () => {
    const { path } = await makeStrategy(visitor, { name: 'Kept' });
    const page = await press({ step: 'row' }, path);
    expect(page.text).toContain(`action="${path}"`);
    expect((await visitor.get(path)).text).toContain('<h1>Kept</h1>');
    expect((await press({ step: 'save', find: 'nifty', name: 'Renamed' }, path)).status).toBe(303);
    expect((await visitor.get(path)).text).toContain('<h1>Renamed</h1>');
  });

  it('suggests symbols to its script, to people who are signed in', async () => {
    const json = { Accept: 'application/json' };
    const answer = await visitor.get('/strategies/symbols?q=infosys', json);
    expect(answer.body).toEqual({ choices: [{ name: 'NSE:INFY', text: 'INFOSYS, lot 1', lotSize: 1 }] });
    expect((await visitor.get('/strategies/symbols', json)).body).toEqual({ choices: [] });
    const stranger = await createVisitor(server.origin).get('/strategies/symbols?q=infosys', json);
    expect(stranger.status).toBe(401);
  });
});
