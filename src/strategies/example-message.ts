import type { Strategy } from './strategy-store.ts';

/** A message that says all by itself, for a test signal. */
export function testMessage({ symbols }: Pick<Strategy, 'symbols'>): string {
  const [first] = symbols;
  return first === undefined
    ? ''
    : JSON.stringify({
        action: 'buy',
        symbol: `${first.exchange}:${first.tradingSymbol}`,
        quantity: first.quantity,
      });
}

/** A message to paste into the platform: JSON in lines, with TradingView's own placeholders where it is that. */
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
