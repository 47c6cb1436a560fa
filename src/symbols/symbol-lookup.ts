import type { Instrument, SymbolLookup } from '../core/symbol.ts';
import { type Caches, SHARED } from '../storage/caches.ts';
import { MASTER_BROKERS } from './formats/all-formats.ts';
import type { SymbolStore } from './symbol-store.ts';

export interface SymbolLookupDeps {
  readonly store: Pick<SymbolStore, 'find'>;
  readonly caches: Caches;
}

/** Longer ones are nobody's name, and no key for the cache. */
const LONGEST_NAME = 100;

/** How many names that mean nothing are remembered: somebody who tries names must not push the real ones out. */
const MOST_UNKNOWN = 2_000;

/** Exact look-ups through the symbol cache, names that there are none of included. */
export function createSymbolLookup({ store, caches }: SymbolLookupDeps): SymbolLookup {
  const cache = caches.of.symbol;
  const unknown: string[] = [];
  let nextUnknown = 0;

  function remember(key: string, instrument: Instrument | undefined): void {
    cache.set(SHARED, key, { instrument });
    if (instrument !== undefined) return;
    const oldest = unknown[nextUnknown];
    if (oldest !== undefined && oldest !== key) cache.delete(SHARED, oldest);
    unknown[nextUnknown] = key;
    nextUnknown = (nextUnknown + 1) % MOST_UNKNOWN;
  }

  return {
    async find(exchange, tradingSymbol, broker) {
      if (!isName(tradingSymbol) || !isName(exchange)) return undefined;
      const place = exchange.trim().toUpperCase();
      const name = tradingSymbol.trim().toUpperCase();
      const key = [broker ?? '', place, name].join('\u0000');
      const known = cache.get(SHARED, key);
      if (known !== undefined) return known.instrument;
      const { clearings } = cache;
      const instrument = choose(await store.find(place, name), broker);
      // What was read before an import must not be remembered after it.
      if (cache.clearings === clearings) remember(key, instrument);
      return instrument;
    },
  };
}

/** Postgres takes U+0000 in no text. */
const isName = (text: string): boolean => text.length <= LONGEST_NAME && !text.includes('\u0000');

/** Of the broker; where none is named, of the first one that has it. */
function choose(instruments: readonly Instrument[], broker: string | undefined): Instrument | undefined {
  const brokers = broker === undefined ? MASTER_BROKERS : [broker];
  const of = (id: string) => instruments.find((instrument) => instrument.broker === id);
  return brokers.map(of).find((instrument) => instrument !== undefined);
}
