import type { Weekday } from './ist.ts';
import type { StrategySymbol } from './signal.ts';
import type { Instrument } from './symbol.ts';
import type { UserSettings } from './user-settings.ts';

/** Value types of the six caches. Owned by the features; named here so that one table can type them all. */
export interface CachedValues {
  /** The access token of a user at a broker. */
  readonly auth: CachedToken;
  /** The token for the broker's price feed. */
  readonly feed: CachedToken;
  /** An instrument by exchange and trading symbol. */
  readonly symbol: CachedSymbol;
  /** A user's preferences. */
  readonly settings: UserSettings;
  /** A user's strategies, by id: what their webhooks are held against. */
  readonly strategy: CachedStrategy;
  /** The bot that writes to a user. */
  readonly telegram: CachedBot;
}

export interface CachedBot {
  readonly botToken: string;
  /** Of the row that it was read from: a copy of an earlier one is not used, also where a message was lost. */
  readonly version: number;
}

export type CacheName = keyof CachedValues;

export interface CachedToken {
  readonly token: string;
  /** The user's epoch when the token was issued; see `RevocationScope`. */
  readonly epoch: number;
  /** Milliseconds since the epoch, both. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

export interface CachedSymbol {
  /** Instruments of a name; empty: none, and that is remembered too. */
  readonly instruments: readonly Instrument[];
}

/** Without `active`: whether a strategy is switched on is asked anew for each signal. */
export interface CachedStrategy {
  readonly id: string;
  readonly userId: string;
  readonly name: string;
  readonly broker: string;
  /** The row's when it was read: a copy counts only while the row has the same. */
  readonly version: number;
  readonly symbols: readonly StrategySymbol[];
  readonly days: readonly Weekday[];
  /** Minutes since the Indian midnight, both; half-open. */
  readonly opensAt: number;
  readonly closesAt: number;
  /** Undefined where signals need no signature. */
  readonly signingSecret: string | undefined;
  /** Addresses and CIDRs; empty: any address. */
  readonly allowedAddresses: readonly string[];
}
