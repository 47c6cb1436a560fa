import { PRICE_MODES, type PriceMode, type Quote } from '../../core/price-feed.ts';
import { type LastQuote, type PriceTopic, priceFrame } from './price-frame.ts';

/** A reader of prices: a socket. */
export interface PriceReader {
  /** A later frame under the same key may take the place of an earlier one. */
  sendLatest(key: string, frame: string): void;
  /** Frames from here to `uncork` leave together. */
  cork(): void;
  uncork(): void;
}

/** An instrument of a stream under one of its names, with those who read it. */
interface Entry extends PriceTopic {
  /** Under which slow readers keep its latest frame. */
  readonly frameKey: string;
  readonly readers: Map<PriceReader, PriceMode>;
}

interface Instrument {
  readonly exchange: string;
  readonly entries: Map<string, Entry>;
  /** The most that any of its readers wants. */
  mode: PriceMode;
  last: LastQuote | undefined;
}

/** Where a name leads. */
export interface BookPlace {
  /** By which the stream calls the instrument. */
  readonly key: string;
  readonly symbol: string;
  readonly exchange: string;
}

/** The readers of one stream, and the last known price of each instrument. */
export interface PriceBook {
  put(reader: PriceReader, place: BookPlace, mode: PriceMode): void;
  remove(reader: PriceReader, place: BookPlace): void;
  /** The highest mode that any reader of an instrument wants; undefined where it has none. */
  modeOf(key: string): PriceMode | undefined;
  keys(): Iterable<string>;
  exchanges(): ReadonlySet<string>;
  readonly size: number;
  /** How many instruments there would be with these. */
  sizeWith(keys: readonly string[]): number;
  /** Takes over what a stream says, and sends it on. Prices without a reader are passed over. */
  apply(ticks: readonly ({ readonly key: string } & Quote)[], now: number): void;
  /** Says of every price that it may be old; once. */
  markStale(): void;
  /** The last that is known, to one reader. */
  show(reader: PriceReader, place: BookPlace): void;
  lastOf(key: string): LastQuote | undefined;
}

const rank = (mode: PriceMode): number => PRICE_MODES.indexOf(mode);

export function createPriceBook(broker: string): PriceBook {
  const instruments = new Map<string, Instrument>();
  const readers = new Map<PriceReader, number>();

  const count = (reader: PriceReader, change: 1 | -1): void => {
    const entries = (readers.get(reader) ?? 0) + change;
    if (entries > 0) readers.set(reader, entries);
    else readers.delete(reader);
  };

  /** Several prices leave each socket as one packet. */
  function together(work: () => void): void {
    const corked = [...readers.keys()];
    for (const reader of corked) reader.cork();
    try {
      work();
    } finally {
      for (const reader of corked) reader.uncork();
    }
  }

  return {
    put(reader, { key, symbol, exchange }, mode) {
      const instrument = instruments.get(key) ?? {
        exchange,
        entries: new Map<string, Entry>(),
        mode,
        last: undefined,
      };
      instruments.set(key, instrument);
      const entry = instrument.entries.get(symbol) ?? {
        broker,
        symbol,
        frameKey: `${broker} ${symbol}`,
        readers: new Map<PriceReader, PriceMode>(),
      };
      instrument.entries.set(symbol, entry);
      if (!entry.readers.has(reader)) count(reader, 1);
      entry.readers.set(reader, mode);
      settle(instrument);
    },

    remove(reader, { key, symbol }) {
      const instrument = instruments.get(key);
      const entry = instrument?.entries.get(symbol);
      if (instrument === undefined || !entry?.readers.delete(reader)) return;
      count(reader, -1);
      if (entry.readers.size === 0) instrument.entries.delete(symbol);
      if (instrument.entries.size === 0) instruments.delete(key);
      else settle(instrument);
    },

    modeOf: (key) => instruments.get(key)?.mode,
    keys: () => instruments.keys(),
    exchanges: () => new Set([...instruments.values()].map(({ exchange }) => exchange)),
    get size() {
      return instruments.size;
    },
    sizeWith: (keys) => new Set([...instruments.keys(), ...keys]).size,

    apply(ticks, now) {
      const spreadAll = (): void => {
        for (const { key, ...quote } of ticks) {
          const instrument = instruments.get(key);
          const price = quote.price ?? instrument?.last?.price;
          if (instrument === undefined || price === undefined) continue;
          const last = { ...instrument.last, at: now, ...quote, price, stale: false };
          instrument.last = limitTo(instrument.mode, last);
          spread(instrument);
        }
      };
      if (ticks.length > 1) together(spreadAll);
      else spreadAll();
    },

    markStale() {
      together(() => {
        for (const instrument of instruments.values()) {
          if (instrument.last === undefined || instrument.last.stale) continue;
          instrument.last = { ...instrument.last, stale: true };
          spread(instrument);
        }
      });
    },

    show(reader, { key, symbol }) {
      const instrument = instruments.get(key);
      const entry = instrument?.entries.get(symbol);
      const mode = entry?.readers.get(reader);
      if (entry === undefined || mode === undefined || instrument?.last === undefined) return;
      reader.sendLatest(entry.frameKey, priceFrame(entry, mode, instrument.last));
    },

    lastOf: (key) => instruments.get(key)?.last,
  };
}

function spread({ entries, last }: Instrument): void {
  if (last === undefined) return;
  for (const entry of entries.values()) {
    // The same frame for all who want the same.
    const frames: Partial<Record<PriceMode, string>> = {};
    for (const [reader, mode] of entry.readers) {
      frames[mode] ??= priceFrame(entry, mode, last);
      reader.sendLatest(entry.frameKey, frames[mode]);
    }
  }
}

/** The stream ends for instruments without a reader: a later reader must not be shown the old price as new. */
function settle(instrument: Instrument): void {
  const wanted = [...instrument.entries.values()].flatMap(({ readers: wanting }) => [...wanting.values()]);
  instrument.mode = PRICE_MODES[Math.max(...wanted.map(rank))] ?? 'ltp';
  if (instrument.last !== undefined) instrument.last = limitTo(instrument.mode, instrument.last);
}

/** Without what is not wanted of it. */
export function limitTo(mode: PriceMode, last: LastQuote): LastQuote {
  if (mode === 'depth') return last;
  const { depth, ...quote } = last;
  if (mode === 'quote') return quote;
  const { price, at, stale, close } = last;
  return { price, at, stale, ...(close === undefined ? {} : { close }) };
}
