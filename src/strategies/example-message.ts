import type { Strategy } from './strategy-store.ts';

/** What a person can paste into their platform: JSON in lines, with TradingView's own placeholders where it is that. */
export function exampleMessage({ platform, symbols }: Pick<Strategy, 'platform' | 'symbols'>): string {
  const [first] = symbols;
  const symbol = first === undefined ? 'NSE:SBIN' : `${first.exchange}:${first.tradingSymbol}`;
  const quantity = first?.quantity ?? 1;
  const message =
    platform === 'tradingview'
      ? {
          action: '{{strategy.order.action}}',
          symbol,
          quantity: '{{strategy.order.contracts}}',
          price: '{{strategy.order.price}}',
          id: '{{strategy.order.id}} {{timenow}}',
        }
      : { action: 'buy', symbol, quantity, id: 'any-name-that-is-new-for-each-signal' };
  return JSON.stringify(message, undefined, 2);
}
