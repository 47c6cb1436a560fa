import type { SignalAction, StrategySymbol } from '../core/signal.ts';
import type { SignalMessage } from './signal-body.ts';

/** The order to trade: the message, completed by the strategy. */
export interface RequestedOrder extends StrategySymbol {
  readonly action: SignalAction;
  readonly price: number | undefined;
  readonly clientId: string | undefined;
}

export type OrderReading =
  | { readonly kind: 'order'; readonly order: RequestedOrder }
  | { readonly kind: 'malformed'; readonly fields: Readonly<Record<string, string>> }
  | { readonly kind: 'symbol_not_in_strategy' | 'quantity_too_large' };

/**
 * Holds a message against what the strategy trades. A strategy of one symbol needs none in the message, and one symbol of
 * that name needs no exchange. The strategy's quantity is the most that a sender can ask for.
 */
export function completeOrder(message: SignalMessage, symbols: readonly StrategySymbol[]): OrderReading {
  const { action, price, clientId, wantedProduct } = message;
  const exact = symbols.filter((symbol) => isMeant(symbol, message, sameText));
  const candidates =
    exact.length > 0 ? exact : symbols.filter((symbol) => isMeant(symbol, message, sameForTradingView));
  const [symbol, another] = candidates;
  if (symbol === undefined) return { kind: 'symbol_not_in_strategy' };
  if (another !== undefined) {
    const problem =
      message.tradingSymbol === undefined
        ? 'The strategy has several symbols: say which.'
        : 'The strategy has it on several exchanges: say which, like NSE:SBIN.';
    return { kind: 'malformed', fields: { symbol: problem } };
  }
  if (wantedProduct !== undefined && wantedProduct !== symbol.product)
    return { kind: 'malformed', fields: { product: `The strategy trades it as ${symbol.product}.` } };
  const quantity = message.quantity ?? symbol.quantity;
  if (quantity > symbol.quantity) return { kind: 'quantity_too_large' };
  return { kind: 'order', order: { ...symbol, quantity, action, price, clientId } };
}

type SameSymbol = (known: string, asked: string) => boolean;

const sameText: SameSymbol = (known, asked) => known === asked;

/** TradingView writes `BAJAJ_AUTO` and `M_M`. */
const sameForTradingView: SameSymbol = (known, asked) => known.replaceAll(/[&-]/g, '_') === asked;

function isMeant(
  symbol: StrategySymbol,
  { tradingSymbol, exchange }: SignalMessage,
  isSame: SameSymbol,
): boolean {
  return (
    (tradingSymbol === undefined || isSame(symbol.tradingSymbol, tradingSymbol)) &&
    (exchange === undefined || symbol.exchange === exchange)
  );
}
