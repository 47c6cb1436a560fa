/** A line of a broker's instrument master, in words that are the same for every broker. */
export interface Instrument {
  /** Whose master it is from, e.g. `zerodha`: tokens, and the spelling of derivatives, are the broker's own. */
  readonly broker: string;
  /** `NSE`, `BSE`, `NFO`, `BFO`, `CDS`, `BCD`, `MCX`, …: Kite's names, whatever the broker calls them. */
  readonly exchange: string;
  /** As the broker spells it, e.g. `INFY` or `NIFTY24DEC25000CE`. */
  readonly tradingSymbol: string;
  /** Of the company, or the underlying of a derivative; may be empty. */
  readonly name: string;
  /** What the broker's API calls the instrument by. */
  readonly instrumentToken: string;
  /** What the exchange calls it by; may be empty. */
  readonly exchangeToken: string;
  /** The day on which a derivative ends, as `2024-12-26`. */
  readonly expiry: string | undefined;
  /** Of an option, in rupees. */
  readonly strike: number | undefined;
  /** The smallest step of the price, in rupees. */
  readonly tickSize: number;
  readonly lotSize: number;
  /** `EQ`, `FUT`, `CE`, `PE`, `INDEX`, or what the broker says. */
  readonly instrumentType: string;
  /** The broker's own word, e.g. `NFO-OPT`. */
  readonly segment: string;
}

/** What is looked for. Words are taken literally; letter case does not matter. */
export interface SymbolSearch {
  /** Words and beginnings of words, e.g. `nifty dec 25000 ce`; empty for everything that the filters leave. */
  readonly q: string;
  readonly exchange?: string | undefined;
  /** An instrument type, e.g. `CE`. */
  readonly type?: string | undefined;
  /** Whose master; without it, the first one there is. */
  readonly broker?: string | undefined;
  /** How many on a page, from 1 to 100. */
  readonly limit: number;
  /** From 1 to `LAST_SYMBOL_PAGE`. */
  readonly page: number;
}

export const MOST_SYMBOLS_ON_A_PAGE = 100;
export const LAST_SYMBOL_PAGE = 100;
/** What a search finds beyond so many is on no page: it wants one more word. */
export const MOST_SYMBOLS_FOUND = 5_000;
/** In characters: of `q`. */
export const LONGEST_SYMBOL_SEARCH = 100;
/** What is looked for of `q`; `SymbolPage` names the rest. */
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
   * The instrument of that name on that exchange; letter case does not matter. Without a broker, from the first
   * master that has it. Undefined when there is none, or when no master was imported.
   */
  find(exchange: string, tradingSymbol: string, broker?: string): Promise<Instrument | undefined>;
}

export interface SymbolFinder {
  search(search: SymbolSearch): Promise<SymbolPage>;
}
