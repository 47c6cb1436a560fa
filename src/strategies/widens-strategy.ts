import type { StrategySymbol } from '../core/signal.ts';
import type { StrategyDetails } from './strategy-store.ts';
import type { TradingHours } from './trading-window.ts';

type Tradable = Pick<StrategyDetails, 'broker' | 'symbols' | 'hours'>;

/** Whether a changed strategy can trade what it could not before: another broker, symbol or product, more of one, or longer. */
export function widensStrategy(before: Tradable, after: Tradable): boolean {
  return (
    before.broker !== after.broker ||
    after.symbols.some((symbol) => !isWithinOneOf(before.symbols, symbol)) ||
    widensHours(before.hours, after.hours)
  );
}

function isWithinOneOf(known: readonly StrategySymbol[], wanted: StrategySymbol): boolean {
  return known.some(
    ({ exchange, tradingSymbol, product, quantity }) =>
      exchange === wanted.exchange &&
      tradingSymbol === wanted.tradingSymbol &&
      product === wanted.product &&
      quantity >= wanted.quantity,
  );
}

function widensHours(before: TradingHours, after: TradingHours): boolean {
  return (
    after.days.some((day) => !before.days.includes(day)) ||
    after.opensAt < before.opensAt ||
    after.closesAt > before.closesAt
  );
}
