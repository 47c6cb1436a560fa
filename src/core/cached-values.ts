/** What each of the six caches holds. Owned by the features; named here so that one table can type them all. */
export interface CachedValues {
  /** The access token of a user at a broker. */
  readonly auth: CachedToken;
  /** The token for the broker's price feed. */
  readonly feed: CachedToken;
  /** An instrument by exchange and trading symbol. */
  readonly symbol: CachedSymbol;
  /** A user's preferences. */
  readonly settings: Readonly<Record<string, string>>;
  /** A user's strategies, by id. */
  readonly strategy: CachedStrategy;
  /** Where a user's messages go. */
  readonly telegram: { readonly chatId: string; readonly botToken: string };
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
  readonly exchange: string;
  readonly tradingSymbol: string;
  readonly instrumentToken: string;
  readonly lotSize: number;
  readonly tickSize: number;
}

export interface CachedStrategy {
  readonly id: string;
  readonly name: string;
  readonly active: boolean;
}
