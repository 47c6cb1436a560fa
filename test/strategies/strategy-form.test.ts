import { describe, expect, it } from 'vitest';
import { addressesForm, strategyForm } from '../../src/strategies/strategy-form.ts';

const form = strategyForm(['sandbox', 'zerodha']);
const GOOD = {
  name: ' Breakout ',
  platform: 'tradingview',
  broker: 'zerodha',
  symbol: ['nse:sbin', '', 'NFO:NIFTY26DEC25000CE'],
  quantity: ['10', '', '75'],
  product: ['MIS', 'MIS', 'NRML'],
  days: ['fri', 'mon'],
  start: '09:15',
  end: '15:30',
};

function problemsOf(body: unknown): Record<string, string> {
  const parsed = form.safeParse(body);
  return Object.fromEntries(parsed.error?.issues.map(({ path, message }) => [path.join('.'), message]) ?? []);
}

describe('The form of a strategy', () => {
  it('is read, without the rows that are empty', () => {
    expect(form.parse(GOOD)).toEqual({
      name: 'Breakout',
      platform: 'tradingview',
      broker: 'zerodha',
      symbols: [
        { exchange: 'NSE', tradingSymbol: 'SBIN', quantity: 10, product: 'MIS' },
        { exchange: 'NFO', tradingSymbol: 'NIFTY26DEC25000CE', quantity: 75, product: 'NRML' },
      ],
      hours: { days: ['mon', 'fri'], opensAt: 555, closesAt: 930 },
    });
  });

  it('is read where each field is there once only, as a form of one row sends it', () => {
    const one = { ...GOOD, symbol: 'NSE:SBIN', quantity: '10', product: 'CNC', days: 'mon' };
    expect(form.parse(one)).toMatchObject({ symbols: [{ product: 'CNC' }], hours: { days: ['mon'] } });
  });

  it('says everything that is wrong at once', () => {
    expect(Object.keys(problemsOf({}))).toEqual([
      'name',
      'platform',
      'broker',
      'symbol-0',
      'day-mon',
      'start',
      'end',
    ]);
  });

  it.each([
    [{ name: 'x'.repeat(61) }, 'name'],
    [{ name: 'a\u202eb' }, 'name'],
    [{ broker: 'elsewhere' }, 'broker'],
    [{ platform: 'excel' }, 'platform'],
    [{ symbol: ['SBIN'], quantity: ['1'], product: ['MIS'] }, 'symbol-0'],
    [{ symbol: [''], quantity: ['1'], product: ['MIS'] }, 'symbol-0'],
    [{ symbol: ['NSE:A', 'nse:a'], quantity: ['1', '2'], product: ['MIS', 'MIS'] }, 'symbol-1'],
    [{ symbol: ['NSE:A'], quantity: ['0'], product: ['MIS'] }, 'quantity-0'],
    [{ symbol: ['NSE:A'], quantity: ['1.5'], product: ['MIS'] }, 'quantity-0'],
    [{ symbol: ['NSE:A'], quantity: ['1000001'], product: ['MIS'] }, 'quantity-0'],
    [{ symbol: ['NSE:A'], quantity: ['1'], product: ['FREE'] }, 'product-0'],
    [{ symbol: ['x'], quantity: ['y'], product: ['z'] }, 'symbol-0', 'quantity-0', 'product-0'],
    [{ days: ['noday'] }, 'day-mon'],
    [{ start: '9:15' }, 'start'],
    [{ end: '25:00' }, 'end'],
  ])('refuses %j at its fields', (change, ...fields) => {
    expect(Object.keys(problemsOf({ ...GOOD, ...change }))).toEqual(fields);
  });

  it('refuses a window over midnight, and takes midnight as an end', () => {
    expect(problemsOf({ ...GOOD, start: '22:00', end: '02:00' })['end']).toContain('past midnight');
    expect(problemsOf({ ...GOOD, start: '09:15', end: '09:15' })['end']).toContain('later');
    expect(form.parse({ ...GOOD, start: '00:00', end: '00:00' }).hours).toMatchObject({
      opensAt: 0,
      closesAt: 1440,
    });
  });
});

describe('The list of addresses', () => {
  it('takes lines and commas, one spelling for each, and nothing for everybody', () => {
    expect(addressesForm.parse({ addresses: '203.0.113.7,\n203.0.113.9/24  ::ffff:203.0.113.7' })).toEqual({
      addresses: ['203.0.113.7', '203.0.113.0/24'],
    });
    expect(addressesForm.parse({ addresses: ' \n' })).toEqual({ addresses: [] });
  });

  it('has TradingView’s at the press of a button', () => {
    expect(addressesForm.parse({ preset: 'tradingview' })).toEqual({
      addresses: ['52.89.214.238', '34.212.75.30', '54.218.53.128', '52.32.178.7'],
    });
  });

  it.each(['tradingview.com', '1', '203.0.113.7:80', '0.0.0.0/0', '<b>'])('refuses %s', (addresses) => {
    expect(addressesForm.safeParse({ addresses }).success).toBe(false);
  });

  it('is bounded', () => {
    const many = Array.from({ length: 21 }, (_, each) => `203.0.113.${each}`).join('\n');
    expect(addressesForm.safeParse({ addresses: many }).success).toBe(false);
  });
});
