import type { Instrument, SymbolLookup } from '../core/symbol.ts';
import { type Caches, SHARED } from '../storage/caches.ts';
import { MASTER_BROKERS } from './formats/all-formats.ts';
import type { SymbolStore } from './symbol-store.ts';

export interface SymbolLookupDeps {
  readonly store: Pick<SymbolStore, 'find' | 'findByOtherName'>;
  readonly caches: Caches;
}

/** Longer ones are no name, and no key for the cache. */
const LONGEST_NAME = 100;

/** How many names that mean nothing are remembered: guesses must not push the real ones out. */
const MOST_UNKNOWN = 2_000;

/** Exact look-ups through the symbol cache, names that there are none of included. */
export function createSymbolLookup({ store, caches }: SymbolLookupDeps): SymbolLookup {
  const cache = caches.of.symbol;
  const unknown: string[] = [];
  let nextUnknown = 0;
  const reading = new Map<
    string,
    { readonly clearings: number; readonly result: Promise<readonly Instrument[]> }
  >();

  function remember(key: string, instruments: readonly Instrument[]): void {
    cache.set(SHARED, key, { instruments });
    if (instruments.length > 0) return;
    const oldest = unknown[nextUnknown];
    if (oldest !== undefined && oldest !== key) cache.delete(SHARED, oldest);
    unknown[nextUnknown] = key;
    nextUnknown = (nextUnknown + 1) % MOST_UNKNOWN;
  }

  /** Signals for one symbol come in bursts: those that find nothing in the cache wait for one reading. */
  function readOnce(key: string, work: () => Promise<readonly Instrument[]>): Promise<readonly Instrument[]> {
    const { clearings } = cache;
    const underWay = reading.get(key);
    if (underWay?.clearings === clearings) return underWay.result;
    const result = work().then((instruments) => {
      // A result that was read before an import must not be remembered after it.
      if (cache.clearings === clearings) remember(key, instruments);
      return instruments;
    });
    const entry = { clearings, result };
    const forget = () => {
      if (reading.get(key) === entry) reading.delete(key);
    };
    reading.set(key, entry);
    result.then(forget, forget);
    return result;
  }

  async function read(
    place: string,
    name: string,
    broker: string | undefined,
  ): Promise<readonly Instrument[]> {
    const ofBroker = (found: readonly Instrument[]) =>
      broker === undefined ? found : found.filter((instrument) => instrument.broker === broker);
    const bySymbol = ofBroker(await store.find(place, name));
    const found = bySymbol.length > 0 ? bySymbol : ofBroker(await store.findByOtherName(place, name));
    return MASTER_BROKERS.flatMap((each) => meant(found.filter((instrument) => instrument.broker === each)));
  }

  return {
    async find(exchange, tradingSymbol, broker) {
      if (!isName(tradingSymbol) || !isName(exchange)) return [];
      const place = exchange.trim().toUpperCase();
      const name = tradingSymbol.trim().toUpperCase();
      const key = [broker ?? '', place, name].join('\u0000');
      const known = cache.get(SHARED, key);
      if (known !== undefined) return known.instruments;
      return readOnce(key, () => read(place, name, broker));
    },
  };
}

/** Postgres takes U+0000 in no text. */
const isName = (text: string): boolean => text.length <= LONGEST_NAME && !text.includes('\u0000');

/** Of one broker's instruments of a name, the share where exactly one is a share: a bond or warrant that has its name is never meant. */
function meant(instruments: readonly Instrument[]): readonly Instrument[] {
  const shares = instruments.filter((instrument) => instrument.instrumentType === 'EQ');
  return shares.length === 1 ? shares : instruments;
}
