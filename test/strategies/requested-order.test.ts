import { describe, expect, it } from 'vitest';
import type { StrategySymbol } from '../../src/core/signal.ts';
import { completeOrder } from '../../src/strategies/requested-order.ts';
import type { SignalMessage } from '../../src/strategies/signal-body.ts';

const SBIN: StrategySymbol = { exchange: 'NSE', tradingSymbol: 'SBIN', quantity: 10, product: 'MIS' };
const SBIN_BSE: StrategySymbol = { ...SBIN, exchange: 'BSE' };
const INFY: StrategySymbol = { exchange: 'NSE', tradingSymbol: 'INFY', quantity: 5, product: 'CNC' };

const message = (asked: Partial<SignalMessage> = {}): SignalMessage => ({
  action: 'buy',
  tradingSymbol: undefined,
  exchange: undefined,
  quantity: undefined,
  price: undefined,
  wantedProduct: undefined,
  clientId: undefined,
  ...asked,
});

describe('A message, held against its strategy', () => {
  it('gets the only symbol, its quantity and its product', () => {
    expect(completeOrder(message({ price: 1, clientId: 'x' }), [SBIN])).toEqual({
      kind: 'order',
      order: { ...SBIN, action: 'buy', price: 1, clientId: 'x' },
    });
  });

  it('finds its symbol by name, and by exchange where that is needed', () => {
    const named = completeOrder(message({ tradingSymbol: 'INFY' }), [SBIN, INFY]);
    expect(named).toMatchObject({ order: { tradingSymbol: 'INFY', product: 'CNC' } });
    const onBse = completeOrder(message({ tradingSymbol: 'SBIN', exchange: 'BSE' }), [SBIN, SBIN_BSE]);
    expect(onBse).toMatchObject({ order: { exchange: 'BSE' } });
  });

  it('must say which symbol it means', () => {
    for (const [asked, symbols] of [
      [message(), [SBIN, INFY]],
      [message({ tradingSymbol: 'SBIN' }), [SBIN, SBIN_BSE]],
    ] as const) {
      const completed = completeOrder(asked, symbols);
      expect(completed).toMatchObject({ kind: 'malformed', fields: { symbol: expect.any(String) } });
    }
  });

  it('cannot ask for what the strategy does not trade', () => {
    const other = { kind: 'symbol_not_in_strategy' };
    expect(completeOrder(message({ tradingSymbol: 'TCS' }), [SBIN])).toEqual(other);
    expect(completeOrder(message({ tradingSymbol: 'SBIN', exchange: 'BSE' }), [SBIN])).toEqual(other);
  });

  it('may ask for less than the strategy’s quantity, and not for more', () => {
    expect(completeOrder(message({ quantity: 3 }), [SBIN])).toMatchObject({ order: { quantity: 3 } });
    expect(completeOrder(message({ quantity: 10 }), [SBIN])).toMatchObject({ order: { quantity: 10 } });
    expect(completeOrder(message({ quantity: 11 }), [SBIN])).toEqual({ kind: 'quantity_too_large' });
  });

  it('finds what TradingView writes with an underscore, and asks where that may be two', () => {
    const bajaj = { ...SBIN, tradingSymbol: 'BAJAJ-AUTO' };
    const mahindra = { ...SBIN, tradingSymbol: 'M&M' };
    const orders = (tradingSymbol: string, symbols = [bajaj, mahindra]) =>
      completeOrder(message({ tradingSymbol }), symbols);
    expect(orders('BAJAJ_AUTO')).toMatchObject({ kind: 'order', order: { tradingSymbol: 'BAJAJ-AUTO' } });
    expect(orders('M_M')).toMatchObject({ kind: 'order', order: { tradingSymbol: 'M&M' } });
    expect(orders('M_M', [mahindra, { ...SBIN, tradingSymbol: 'M-M' }])).toMatchObject({
      kind: 'malformed',
      fields: { symbol: expect.stringContaining('say which') },
    });
    expect(orders('MXM')).toEqual({ kind: 'symbol_not_in_strategy' });
  });

  it('refuses another product than the strategy’s', () => {
    expect(completeOrder(message({ wantedProduct: 'CNC' }), [SBIN])).toEqual({
      kind: 'malformed',
      fields: { product: 'The strategy trades it as MIS.' },
    });
    expect(completeOrder(message({ wantedProduct: 'MIS' }), [SBIN]).kind).toBe('order');
  });
});
