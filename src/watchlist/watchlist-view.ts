import type { WatchedSymbol } from './watchlist-store.ts';

/** A watched symbol as pages show it. */
export interface WatchedView {
  readonly symbol: string;
  /** `1,573.15`; undefined before the first price. */
  readonly price: string | undefined;
  /** `+0.34 %`, against the close of the day before. */
  readonly change: string | undefined;
  /** In ms since the epoch. */
  readonly at: number | undefined;
}

const RUPEES = new Intl.NumberFormat('en-IN', { minimumFractionDigits: 2, maximumFractionDigits: 4 });

/** public/watched-prices.js writes the same. */
export function toWatchedView({ symbol, last }: WatchedSymbol): WatchedView {
  if (last === undefined) return { symbol, price: undefined, change: undefined, at: undefined };
  const { price, close, at } = last;
  return { symbol, price: RUPEES.format(price), change: changeText(price, close), at };
}

function changeText(price: number, close: number | undefined): string | undefined {
  if (close === undefined || close <= 0) return undefined;
  const percent = ((price - close) / close) * 100;
  return `${percent < 0 ? '−' : '+'}${Math.abs(percent).toFixed(2)} %`;
}
