import type { StrategySymbol } from '../core/signal.ts';
import { SIGNAL_REFUSAL_WORDS } from '../core/signal-refusal.ts';
import { type FindTradedSymbol, type TradedSymbol, unfitLot } from '../core/symbol.ts';
import type { SignalOfDay } from './signal-day-store.ts';
import type { Fetcher } from './signal-history-store.ts';
import type { SignalRecord } from './signal-store.ts';
import { ACTION_LABELS, describeHours, PLATFORM_LABELS, PRODUCT_LABELS } from './strategy-labels.ts';
import type { Strategy } from './strategy-store.ts';

/** A strategy in a list, and on top of its own page. */
export interface StrategyView {
  readonly id: string;
  readonly name: string;
  readonly active: boolean;
  readonly platform: string;
  readonly broker: string;
  readonly hours: string;
  /** `NSE:SBIN, NSE:INFY and 3 more`. */
  readonly symbolsText: string;
}

export interface SymbolView {
  readonly name: string;
  readonly quantity: number;
  readonly product: string;
  /** Whether it is in the instrument list. */
  readonly known: boolean;
  readonly takesSignals: boolean;
  /** Why signals for it are refused, in a sentence. */
  readonly problem: string | undefined;
}

export interface SignalView {
  readonly receivedAt: number;
  /** `Buy 10 NSE:SBIN (MIS)`; undefined where the message could not be read. */
  readonly text: string | undefined;
  readonly outcome: 'accepted' | 'refused';
  /** Of a refused one. */
  readonly why: string | undefined;
  /** And what was wrong in its message, where it was that. */
  readonly problem: string | undefined;
  readonly repeats: number;
  readonly isTest: boolean;
  /** As it was received, where it is still kept. */
  readonly body: string | undefined;
  readonly fetchers: readonly Pick<Fetcher, 'keyId' | 'keyName' | 'fetchedAt'>[];
}

const NAMED_SYMBOLS = 2;

export function toStrategyView(strategy: Strategy, brokerNames: ReadonlyMap<string, string>): StrategyView {
  const { id, name, active, platform, broker, hours, symbols } = strategy;
  return {
    id,
    name,
    active,
    platform: PLATFORM_LABELS[platform],
    broker: brokerNames.get(broker) ?? broker,
    hours: describeHours(hours),
    symbolsText: nameSymbols(symbols),
  };
}

/** Looks each symbol up, because a signal for an unknown one is refused. */
export function toSymbolViews(
  { broker, symbols }: Pick<Strategy, 'broker' | 'symbols'>,
  findSymbol: FindTradedSymbol,
): Promise<readonly SymbolView[]> {
  return Promise.all(
    symbols.map(async ({ exchange, tradingSymbol, quantity, product }) => {
      const symbol = await findSymbol(broker, exchange, tradingSymbol);
      const problem = symbolProblem(symbol, quantity);
      return {
        name: `${exchange}:${tradingSymbol}`,
        quantity,
        product: PRODUCT_LABELS[product],
        known: symbol.kind !== 'unknown',
        takesSignals: problem === undefined,
        problem,
      };
    }),
  );
}

export function toSignalView(
  record: SignalRecord,
  { body, fetchers }: Pick<SignalView, 'body' | 'fetchers'>,
): SignalView {
  const { receivedAt, refusal, problem, repeats, isTest } = record;
  const why = refusal === undefined ? undefined : SIGNAL_REFUSAL_WORDS[refusal];
  const outcome = refusal === undefined ? 'accepted' : 'refused';
  return { receivedAt, text: orderText(record), outcome, why, problem, repeats, isTest, body, fetchers };
}

/** The same where a list of all strategies shows it. */
export function toSignalOfDayView(signal: SignalOfDay) {
  const { strategyId, strategyName } = signal;
  return { ...toSignalView(signal, { body: undefined, fetchers: [] }), strategyId, strategyName };
}

function symbolProblem(symbol: TradedSymbol, quantity: number): string | undefined {
  if (symbol.kind === 'unknown') return 'Not in the instrument list: signals for it are refused.';
  if (symbol.kind === 'ambiguous')
    return `The name of several instruments: signals for it are refused. Name one of them: ${symbol.choices.join(', ')}.`;
  const lot = unfitLot(quantity, symbol.lotSizes);
  return lot === undefined
    ? undefined
    : `Traded in lots of ${lot}: signals for ${quantity} are refused, since the broker would not take it.`;
}

/** As much as was read: of a refused signal that may be `Buy` and no more. */
function orderText({ action, quantity, exchange, tradingSymbol, product }: SignalRecord): string | undefined {
  if (action === undefined) return undefined;
  const symbol = tradingSymbol && exchange ? `${exchange}:${tradingSymbol}` : tradingSymbol;
  const words = [ACTION_LABELS[action], quantity, symbol, product && `(${product})`];
  return words.filter((word) => word !== undefined).join(' ');
}

function nameSymbols(symbols: readonly StrategySymbol[]): string {
  const names = symbols.map(({ exchange, tradingSymbol }) => `${exchange}:${tradingSymbol}`);
  const rest = names.length - NAMED_SYMBOLS;
  return rest <= 0 ? names.join(', ') : `${names.slice(0, NAMED_SYMBOLS).join(', ')} and ${rest} more`;
}
