import type { Instrument } from '../core/symbol.ts';

/**
 * A text by which instruments are put in the order of search results: what a search most likely means comes first. Indices
 * and shares by symbol, funds, futures by underlying and expiry, other securities, then options, by strike as well.
 */
export function displayOrderKey(instrument: Instrument): string {
  const { tradingSymbol, exchange, expiry = '', strike, instrumentType } = instrument;
  const rank = rankOf(instrument);
  const parts =
    expiry === ''
      ? [tradingSymbol.toUpperCase(), placeOf(exchange), instrument.instrumentToken]
      : [underlyingOf(instrument), placeOf(exchange), expiry, padded(strike), instrumentType, tradingSymbol];
  return [rank, ...parts].join(SEPARATOR);
}

const SEPARATOR = '\u0000';

/** The key, once it is known what has derivatives: shares that have some are meant more often than those that have none. */
export function withStanding(key: string, underlyings: ReadonlySet<string>): string {
  if (!key.startsWith(RANKS.share)) return key;
  const symbol = key.slice(key.indexOf(SEPARATOR) + 1, key.lastIndexOf(SEPARATOR)).split(SEPARATOR)[0] ?? '';
  return `${RANKS.share}${underlyings.has(symbol) ? 'a' : 'b'}${key.slice(RANKS.share.length)}`;
}

/** `NIFTY` of `NIFTY24DEC25000CE`, `NIFTY24D0525000CE` and Dhan's `NIFTY-DEC2030-25000-CE`. */
const UNDERLYING = /^(.*?\D)-?(?:\d{2}[A-Z]{3}|\d{2}[\dOND]\d{2}|\d{0,2}[A-Z]{3}\d{4}-)/;

/** Of a derivative: what stands in its symbol in front of the expiry, or else its name. */
export function underlyingOf({ tradingSymbol, name }: Pick<Instrument, 'tradingSymbol' | 'name'>): string {
  const symbol = tradingSymbol.toUpperCase();
  return UNDERLYING.exec(symbol)?.[1] ?? (name === '' ? symbol : name.toUpperCase());
}

/** Options stand behind everything else. */
export const isOption = ({ instrumentType }: Pick<Instrument, 'instrumentType'>): boolean =>
  instrumentType === 'CE' || instrumentType === 'PE';

const RANKS = { index: '0', share: '1', fund: '2', future: '3', security: '4', option: '5' } as const;

function rankOf({ instrumentType, expiry }: Instrument): string {
  if (isOption({ instrumentType })) return RANKS.option;
  if (instrumentType === 'INDEX') return RANKS.index;
  if (expiry !== undefined) return RANKS.future;
  if (instrumentType === 'FUND') return RANKS.fund;
  return instrumentType === 'EQ' ? RANKS.share : RANKS.security;
}

const PLACES: readonly string[] = ['NSE', 'NFO', 'MCX', 'CDS', 'BSE', 'BFO', 'BCD', 'NCO'];

/** The exchange on which most is traded before the others. */
function placeOf(exchange: string): string {
  const place = PLACES.indexOf(exchange);
  return place === -1 ? `9${exchange}` : String(place);
}

const padded = (strike = 0): string => strike.toFixed(4).padStart(16, '0');
