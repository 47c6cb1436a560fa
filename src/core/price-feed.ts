import type { Instrument } from './symbol.ts';

/** How much is wanted of an instrument, each with what the ones before it have: the last price, the day's figures, the order book. */
export const PRICE_MODES = ['ltp', 'quote', 'depth'] as const;
export type PriceMode = (typeof PRICE_MODES)[number];

export interface DepthLevel {
  /** In rupees. */
  readonly price: number;
  readonly quantity: number;
  /** Undefined where the broker does not say. */
  readonly orders?: number;
}

/** Best first. */
export interface Depth {
  readonly buy: readonly DepthLevel[];
  readonly sell: readonly DepthLevel[];
}

/** A stream's message about an instrument: prices in rupees. Absent fields have not changed. */
export interface Quote {
  readonly price?: number;
  /** When it was traded or told by the exchange, in ms since the epoch. */
  readonly at?: number;
  readonly open?: number;
  readonly high?: number;
  readonly low?: number;
  /** Of the trading day before. */
  readonly close?: number;
  readonly lastQuantity?: number;
  readonly averagePrice?: number;
  readonly volume?: number;
  readonly buyQuantity?: number;
  readonly sellQuantity?: number;
  readonly openInterest?: number;
  readonly depth?: Depth;
}

export interface Tick extends Quote {
  /** By which the stream calls the instrument; see `PriceFeed.keyOf`. */
  readonly key: string;
}

/**
 * Why a stream is over. `rejected`: the broker knows the token no more. `refused`: it says no to this token for another
 * reason, and would say it again. `lost`: anything else; it is worth another try.
 */
export interface StreamEnd {
  readonly kind: 'rejected' | 'refused' | 'lost';
  /** A fixed word for logs: never text of a stranger's, never a secret. */
  readonly why: string;
}

/** Called until `end` or `onEnd`, whichever comes first, and never after it. */
export interface StreamListener {
  /** The broker has taken the token: from here on it can be subscribed to. */
  onOpen(): void;
  onTicks(ticks: readonly Tick[]): void;
  onEnd(end: StreamEnd): void;
}

/** One connection to a broker's prices, from `onOpen` on. Nothing here throws. */
export interface PriceStream {
  /** Instruments that are not subscribed to yet. */
  subscribe(keys: readonly string[], mode: PriceMode): void;
  /** Instruments that are. */
  setMode(keys: readonly string[], mode: PriceMode): void;
  unsubscribe(keys: readonly string[]): void;
  /** Closes the connection. Twice is harmless. */
  end(): void;
}

/** Credentials that open a stream. */
export interface StreamAccess {
  readonly token: string;
  /** The user's app at the broker, by the names of the adapter's `credentialFields`. */
  readonly credentials: Readonly<Record<string, string>>;
}

/** A broker's prices, behind the narrowest port that their streams share. */
export interface PriceFeed {
  /** On one connection. */
  readonly mostInstruments: number;
  /** `own`: of the broker's imported list alone, whose tokens it goes by. `any`: of all lists, and any name where there is none. */
  readonly instruments: 'own' | 'any';
  /** By which the stream calls an instrument; undefined where it has no prices of it. */
  keyOf(instrument: StreamInstrument): string | undefined;
  connect(access: StreamAccess, listener: StreamListener): PriceStream;
}

export type StreamInstrument = Pick<
  Instrument,
  'exchange' | 'tradingSymbol' | 'instrumentToken' | 'segment' | 'instrumentType'
>;

/** Opens a user's stream at a broker now. It holds the token, and does not show it. */
export interface StreamPass {
  readonly kind: 'pass';
  /** Another one as soon as the token is another one. */
  readonly version: string;
  /** The next cutoff, or the broker's own limit where that is earlier; in ms since the epoch. */
  readonly expiresAt: number;
  connect(listener: StreamListener): PriceStream;
  /** Ends the connection whose token the broker has rejected; false where that is over already. */
  reportRejected(): Promise<boolean>;
}

export type ReadStreamPass = (
  userId: string,
  broker: string,
) => Promise<StreamPass | { readonly kind: 'not_connected' }>;
