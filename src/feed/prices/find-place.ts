import type { PriceFeed } from '../../core/price-feed.ts';
import { type Instrument, type SymbolLookup, spellAmong } from '../../core/symbol.ts';
import type { BookPlace } from './price-book.ts';

export interface PlaceFinderDeps {
  readonly findInstruments: SymbolLookup['find'];
  /** Whether any list of instruments was imported. */
  readonly hasInstruments: () => Promise<boolean>;
}

export type FoundPlace =
  | { readonly kind: 'found'; readonly place: BookPlace }
  | { readonly kind: 'unknown' | 'ambiguous' | 'without_prices'; readonly message: string };

/** Finds what a symbol such as `NSE:INFY` is for a broker's stream. */
export type FindPlace = (broker: string, feed: PriceFeed, symbol: string) => Promise<FoundPlace>;

export function createPlaceFinder({ findInstruments, hasInstruments }: PlaceFinderDeps): FindPlace {
  return async function findPlace(broker, feed, symbol) {
    const { exchange, name } = partsOf(symbol);
    const found = await findInstruments(exchange, name, feed.instruments === 'own' ? broker : undefined);
    const [instrument, ...others] = ofFirstBroker(found);
    if (instrument === undefined) {
      if (feed.instruments === 'any' && !(await hasInstruments()))
        return toPlace(feed, symbol, { ...NO_INSTRUMENT, exchange, tradingSymbol: name });
      return { kind: 'unknown', message: `${symbol} is not in the instrument list of ${broker}.` };
    }
    if (others.length === 0) return toPlace(feed, symbol, instrument);
    const all = [instrument, ...others];
    const choices = all.map(spellAmong(all)).join(', ');
    return {
      kind: 'ambiguous',
      message: `${symbol} is the name of several instruments. Send one of ${choices}.`,
    };
  };
}

const NO_INSTRUMENT = { instrumentToken: '', segment: '', instrumentType: '' };

function toPlace(feed: PriceFeed, symbol: string, instrument: Parameters<PriceFeed['keyOf']>[0]): FoundPlace {
  const key = feed.keyOf(instrument);
  if (key === undefined) return { kind: 'without_prices', message: `The broker has no prices of ${symbol}.` };
  return { kind: 'found', place: { key, symbol, exchange: instrument.exchange } };
}

/** A name in several brokers' lists is one instrument, which each of them has. */
function ofFirstBroker(found: readonly Instrument[]): readonly Instrument[] {
  return found.filter(({ broker }) => broker === found[0]?.broker);
}

function partsOf(symbol: string): { readonly exchange: string; readonly name: string } {
  const colon = symbol.indexOf(':');
  return { exchange: symbol.slice(0, colon), name: symbol.slice(colon + 1) };
}
