import { toIstIso } from '../../core/ist.ts';
import type { PriceMode, Quote } from '../../core/price-feed.ts';
import { PROTOCOL_VERSION, type PriceMessage } from '../messages.ts';

/** The last that is known of an instrument. */
export interface LastQuote extends Quote {
  readonly price: number;
  readonly at: number;
  /** Whether it may be old: the stream is silent or away. */
  readonly stale: boolean;
}

/** The instrument of a price. */
export interface PriceTopic {
  readonly broker: string;
  /** As its readers call it, e.g. `NSE:INFY`. */
  readonly symbol: string;
}

/** A price as it goes over sockets: what the mode asks for, of what is known. */
export function priceFrame(topic: PriceTopic, mode: PriceMode, last: LastQuote): string {
  return JSON.stringify(toPriceMessage(topic, mode, last));
}

export function toPriceMessage(
  { broker, symbol }: PriceTopic,
  mode: PriceMode,
  { price, at, stale, depth, close, ...quote }: LastQuote,
): PriceMessage {
  const ofDay = close === undefined ? {} : { close };
  const head = {
    v: PROTOCOL_VERSION,
    type: 'price',
    broker,
    symbol,
    mode,
    time: toIstIso(at),
    stale,
    price,
  } as const;
  if (mode === 'ltp') return { ...head, ...ofDay };
  if (mode === 'quote' || depth === undefined) return { ...head, ...ofDay, ...quote };
  return { ...head, ...ofDay, ...quote, depth };
}
