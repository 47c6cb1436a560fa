import { type FindTradedSymbol, type Instrument, type SymbolLookup, spellAmong } from '../core/symbol.ts';
import type { Caches } from '../storage/caches.ts';
import type { SymbolStore } from './symbol-store.ts';

export interface TradedSymbolDeps {
  readonly find: SymbolLookup['find'];
  readonly listMasters: SymbolStore['listMasters'];
  readonly caches: Caches;
}

/** Finds the symbols of strategies in the lists. */
export function createFindTradedSymbol({ find, listMasters, caches }: TradedSymbolDeps): FindTradedSymbol {
  let known: { readonly clearings: number; readonly brokers: Promise<readonly string[]> } | undefined;

  return async function findTradedSymbol(broker, exchange, tradingSymbol) {
    const found = await findIn(broker, exchange, tradingSymbol);
    if (found.length === 0) return { kind: 'unknown' };
    const ofOneBroker = [...Map.groupBy(found, (instrument) => instrument.broker).values()];
    const choices = ofOneBroker.find((instruments) => instruments.length > 1);
    if (choices !== undefined) return { kind: 'ambiguous', choices: choices.map(spellAmong(choices)) };
    return { kind: 'known', lotSizes: [...new Set(found.map(({ lotSize }) => lotSize))] };
  };

  async function findIn(broker: string, exchange: string, name: string): Promise<readonly Instrument[]> {
    const own = await find(exchange, name, broker);
    if (own.length > 0) return own;
    return (await listBrokers()).includes(broker) ? [] : find(exchange, name);
  }

  /** Asked once until an import empties the cache of symbols. */
  function listBrokers(): Promise<readonly string[]> {
    const { clearings } = caches.of.symbol;
    if (known?.clearings === clearings) return known.brokers;
    const brokers = listMasters().then((masters) => masters.map(({ broker }) => broker));
    known = { clearings, brokers };
    brokers.catch(() => {
      known = undefined;
    });
    return brokers;
  }
}
