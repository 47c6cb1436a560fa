import type { Weekday } from './ist.ts';

export const PLATFORMS = ['tradingview', 'amibroker', 'python', 'other'] as const;
export type Platform = (typeof PLATFORMS)[number];

/** How long a position may be held: until the day's end, carried forward, or delivered. The exchanges' own words. */
export const PRODUCTS = ['MIS', 'NRML', 'CNC'] as const;
export type Product = (typeof PRODUCTS)[number];

/** Actions that a signal can ask for. `exit`: to close the position, if there is one. */
export const SIGNAL_ACTIONS = ['buy', 'sell', 'exit'] as const;
export type SignalAction = (typeof SIGNAL_ACTIONS)[number];

/** Something that a strategy trades. */
export interface StrategySymbol {
  readonly exchange: string;
  readonly tradingSymbol: string;
  /** Quantity of a signal that names none, and the most that one may ask for. */
  readonly quantity: number;
  readonly product: Product;
}

/** When signals are taken, in Asia/Kolkata; half-open, and never past midnight. */
export interface TradingWindow {
  readonly days: readonly Weekday[];
  /** `HH:MM` on a 24-hour clock. */
  readonly start: string;
  /** The same; `24:00` is the end of the day. */
  readonly end: string;
}

/** A strategy as its owner's programs see it: nothing in it is secret. */
export interface StrategySummary {
  readonly id: string;
  readonly name: string;
  readonly platform: Platform;
  readonly broker: string;
  readonly active: boolean;
  readonly symbols: readonly StrategySymbol[];
  readonly window: TradingWindow;
}

/**
 * Where a reader is in one person's signals: each accepted signal has a higher one than all that could be read before it.
 * 0 is before the first. A whole number below 2^53.
 */
export type SignalCursor = number;

/** A signal that was accepted, as its owner's programs get it. */
export interface Signal {
  readonly id: string;
  readonly cursor: SignalCursor;
  readonly strategyId: string;
  readonly strategyName: string;
  readonly broker: string;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  readonly action: SignalAction;
  readonly exchange: string;
  readonly tradingSymbol: string;
  readonly quantity: number;
  readonly product: Product;
  /** As the sender gave it. */
  readonly price: number | undefined;
  /** The sender's own name for the signal. */
  readonly clientId: string | undefined;
}

export interface SignalRequest {
  /** At most so many. */
  readonly limit: number;
  /** How long to wait for the first one where none is there; 0 for not at all. */
  readonly waitMs: number;
  /** Ends the waiting: the client has gone. */
  readonly abort: AbortSignal;
}

export type SignalReading =
  | {
      readonly kind: 'page';
      /** Of this trading day, oldest first. Signals from before the last cutoff are not delivered. */
      readonly signals: readonly Signal[];
      /** The cursor to ask with next: the last signal's, or the one that was given. */
      readonly cursor: SignalCursor;
      /**
       * Why the waiting was over. `arrived`: there are signals. `timeout` and `aborted` say what they say. `cutoff` and
       * `revoked`: what the client was let in with may no longer hold. `closing`: this node is about to stop; ask again.
       */
      readonly ended: 'arrived' | 'timeout' | 'aborted' | 'cutoff' | 'revoked' | 'closing';
    }
  /** The person has as many requests waiting on this node as one may have. */
  | { readonly kind: 'too_many_waiting'; readonly maximum: number }
  /** The cursor is ahead of everything: it is of another installation, or of a database that was restored since. */
  | { readonly kind: 'unknown_cursor'; readonly latest: SignalCursor };

/** Reads a person's accepted signals after a cursor, and waits for the next one where there is none. */
export type SignalsAfter = (
  userId: string,
  after: SignalCursor,
  request: SignalRequest,
) => Promise<SignalReading>;

/** Every strategy of a person, by name. */
export type ListStrategies = (userId: string) => Promise<readonly StrategySummary[]>;
