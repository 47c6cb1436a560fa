/** A line of a broker's instrument master, in words that are the same for every broker. */
export interface Instrument {
  /** Id of the broker whose master it is from, e.g. `zerodha`: tokens, and the spelling of derivatives, are the broker's own. */
  readonly broker: string;
  /** `NSE`, `BSE`, `NFO`, `BFO`, `CDS`, `BCD`, `MCX`, …: Kite's names, for every broker. */
  readonly exchange: string;
  /** As the broker spells it, e.g. `INFY` or `NIFTY24DEC25000CE`. */
  readonly tradingSymbol: string;
  /** Of the company, or the underlying of a derivative; may be empty. */
  readonly name: string;
  /** The broker's name for people in place of the symbol, e.g. `NIFTY 03 DEC 25000 CALL`; may be empty. */
  readonly displayName: string;
  /** May be empty: of derivatives and indices always, and where the broker's file has none. */
  readonly isin: string;
  /** Id of the instrument in the broker's API. */
  readonly instrumentToken: string;
  /** Id of the instrument at the exchange; may be empty. */
  readonly exchangeToken: string;
  /** The day on which a derivative ends, as `2024-12-26`. */
  readonly expiry: string | undefined;
  /** Of an option, in rupees. */
  readonly strike: number | undefined;
  /** The smallest step of the price, in rupees. */
  readonly tickSize: number;
  readonly lotSize: number;
  /** `EQ` (a share), `FUND`, `BOND`, `PREF`, `WARRANT`, `RIGHTS`, `FUT`, `CE`, `PE`, `INDEX`, or what the broker says. */
  readonly instrumentType: string;
  /** The broker's own word, e.g. `NFO-OPT`. */
  readonly segment: string;
}

/** Conditions of a search. Words are taken literally; letter case does not matter. */
export interface SymbolSearch {
  /** Words and beginnings of words, e.g. `nifty dec 25000 ce`; empty for everything that the filters leave. */
  readonly q: string;
  readonly exchange?: string | undefined;
  /** An instrument type, e.g. `CE`. */
  readonly type?: string | undefined;
  /** The broker of the master; without it, all masters. */
  readonly broker?: string | undefined;
  /** How many on a page, from 1 to 100. */
  readonly limit: number;
  /** From 1 to `LAST_SYMBOL_PAGE`. */
  readonly page: number;
}

export const MOST_SYMBOLS_ON_A_PAGE = 100;
export const LAST_SYMBOL_PAGE = 100;
/** Most results on pages; a search that finds more needs one more word. */
export const MOST_SYMBOLS_FOUND = 5_000;
/** In characters: of `q`. */
export const LONGEST_SYMBOL_SEARCH = 100;
/** Words of `q` that a search uses; `SymbolPage` names the rest. */
export const MOST_SYMBOL_WORDS = 8;

export interface SymbolPage {
  readonly items: readonly Instrument[];
  /** The number of the next page; undefined on the last one. */
  readonly nextPage: number | undefined;
  /** Words of the search that were not looked for, because it had enough without them. */
  readonly ignoredWords: readonly string[];
}

/** Exact look-ups, through the symbol cache. */
export interface SymbolLookup {
  /**
   * Meaning of a name on an exchange: nothing, one instrument, or the choices between which the caller must decide. A
   * name is a trading symbol, or else a display name or a token; letter case does not matter. A name that a share has in
   * common with a bond means the share. Without a broker, all masters are asked.
   */
  find(exchange: string, name: string, broker?: string): Promise<readonly Instrument[]>;
}

export interface SymbolFinder {
  search(search: SymbolSearch): Promise<SymbolPage>;
}

/** A strategy's symbol in the lists of instruments. */
export type TradedSymbol =
  | { readonly kind: 'unknown' }
  /** The lot sizes that the lists give: one, unless several brokers' lists were asked. */
  | { readonly kind: 'known'; readonly lotSizes: readonly number[] }
  /** How each of the instruments that the name may mean can be spelled, e.g. `NFO:NIFTY 03 DEC 25000 CALL`. */
  | { readonly kind: 'ambiguous'; readonly choices: readonly string[] };

/** Looks a symbol up as the broker spells it; where the broker's own list was not imported, in all others. */
export type FindTradedSymbol = (
  broker: string,
  exchange: string,
  tradingSymbol: string,
) => Promise<TradedSymbol>;

/** The lot that a quantity is not a multiple of; undefined where the quantity can be traded. */
export function unfitLot(quantity: number, lotSizes: readonly number[]): number | undefined {
  return lotSizes.find((lotSize) => lotSize > 0 && quantity % lotSize !== 0);
}

/** The name of an instrument that none of the others has. */
export function spellAmong(all: readonly Instrument[]): (instrument: Instrument) => string {
  return (instrument) => {
    const { exchange, displayName, exchangeToken, instrumentToken } = instrument;
    const isItsOwn = (of: (each: Instrument) => string) =>
      of(instrument) !== '' && all.filter((each) => of(each) === of(instrument)).length === 1;
    if (isItsOwn((each) => each.displayName)) return `${exchange}:${displayName}`;
    return `${exchange}:${isItsOwn((each) => each.exchangeToken) ? exchangeToken : instrumentToken}`;
  };
}
