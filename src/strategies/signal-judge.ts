import type { CachedStrategy } from '../core/cached-values.ts';
import type { SignalRefusal } from '../core/signal-refusal.ts';
import { type FindTradedSymbol, unfitLot } from '../core/symbol.ts';
import { completeOrder, type RequestedOrder } from './requested-order.ts';
import { readSignalBody } from './signal-body.ts';
import type { AskedOrder } from './signal-store.ts';
import type { FoundStrategy, StrategyReader } from './strategy-reader.ts';
import { isWithin } from './trading-window.ts';

export type FieldProblems = Readonly<Record<string, string>>;

/** Undefined when the broker can be traded with now; else why not, where `cutoff` is the one reason that matters here. */
export type WhyBrokerNotConnected = (userId: string, broker: string) => Promise<string | undefined>;

export interface Refusal {
  readonly why: SignalRefusal;
  /** As far as it was read. */
  readonly order?: AskedOrder;
  readonly fields?: FieldProblems;
}

export interface SignalJudge {
  /** The order to trade, or the refusal, from: the message, the hours, the symbol, the owner, the broker; in this order. */
  judge(found: FoundStrategy, body: Buffer, receivedAt: number): Promise<RequestedOrder | Refusal>;
  /** Undefined while the owner's broker is connected. */
  askForBroker(strategy: CachedStrategy): Promise<SignalRefusal | undefined>;
}

export interface SignalJudgeDeps {
  readonly reader: Pick<StrategyReader, 'keep' | 'forget'>;
  readonly findSymbol: FindTradedSymbol;
  readonly whyBrokerNotConnected: WhyBrokerNotConnected;
}

/** The same for signals that come in and for those that their owner sends as a test. */
export function createSignalJudge({
  reader,
  findSymbol,
  whyBrokerNotConnected,
}: SignalJudgeDeps): SignalJudge {
  async function judgeSymbol(broker: string, order: RequestedOrder): Promise<Refusal | undefined> {
    const { exchange, tradingSymbol, quantity } = order;
    const symbol = await findSymbol(broker, exchange, tradingSymbol);
    if (symbol.kind === 'unknown') return { why: 'unknown_symbol' };
    if (symbol.kind === 'ambiguous')
      return { why: 'ambiguous_symbol', fields: { symbol: `Say which: ${symbol.choices.join(', ')}.` } };
    const lot = unfitLot(quantity, symbol.lotSizes);
    return lot === undefined
      ? undefined
      : { why: 'quantity_not_in_lots', fields: { quantity: `Must be a multiple of the lot, ${lot}.` } };
  }

  /**
   * The cache is filled before the question and emptied after a no. A revocation of a user first makes the
   * answer no and then empties the caches: so either they find what was put in here, or this hears the no.
   */
  async function askForBroker(strategy: CachedStrategy): Promise<SignalRefusal | undefined> {
    reader.keep(strategy);
    const why = await whyBrokerNotConnected(strategy.userId, strategy.broker);
    if (why === undefined) return undefined;
    reader.forget(strategy);
    return why === 'cutoff' ? 'after_cutoff' : 'broker_not_connected';
  }

  return {
    askForBroker,
    async judge({ strategy, ownerDisabled }, body, receivedAt) {
      const reading = readSignalBody(body);
      if (reading.kind === 'malformed') return { why: 'malformed', fields: reading.fields };
      const { message } = reading;
      const completed = completeOrder(message, strategy.symbols);
      if (completed.kind === 'malformed')
        return { why: 'malformed', order: message, fields: completed.fields };
      if (!isWithin(strategy, receivedAt)) return { why: 'outside_window', order: message };
      if (completed.kind !== 'order') return { why: completed.kind, order: message };
      const { order } = completed;
      const refusal = await judgeSymbol(strategy.broker, order);
      if (refusal !== undefined) return { ...refusal, order };
      if (ownerDisabled) return { why: 'account_disabled', order };
      const why = await askForBroker(strategy);
      return why === undefined ? order : { why, order };
    },
  };
}

/** `quantity: Must be 1 or more.` The words are those of the checks; nothing of the message is in them. */
export function describeFields(fields: FieldProblems): string {
  return Object.entries(fields)
    .map(([field, problem]) => `${field}: ${problem}`)
    .join(' ');
}
