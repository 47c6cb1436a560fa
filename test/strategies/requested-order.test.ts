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
});
