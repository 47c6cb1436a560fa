import { MOST_SYMBOLS_FOUND, type SymbolFinder, type SymbolPage } from '../core/symbol.ts';
import { MASTER_BROKERS } from './formats/all-formats.ts';
import { planSearch } from './search-query.ts';
import type { Master, SymbolStore } from './symbol-store.ts';

export interface SymbolFinderDeps {
  readonly store: Pick<SymbolStore, 'search' | 'listMasters'>;
}

const NOTHING: SymbolPage = { items: [], nextPage: undefined, ignoredWords: [] };

/** Search in one broker's master. */
export function createSymbolFinder({ store }: SymbolFinderDeps): SymbolFinder {
  return {
    async search({ q, exchange, type, broker, limit, page }) {
      // No instrument has it, and Postgres takes it in no text.
      if ([q, exchange, type].some((text) => text?.includes('\u0000'))) return NOTHING;
      const filters = { exchange: capitals(exchange), type: capitals(type) };
      const plan = planSearch({ q, ...filters });
      const offset = (page - 1) * limit;
      const most = Math.min(limit, MOST_SYMBOLS_FOUND - offset);
      const master = plan && most > 0 ? pickMaster(await store.listMasters(), broker) : undefined;
      if (plan === undefined || master === undefined) return NOTHING;
      // One more than is shown tells whether there is a next page.
      const found = await store.search({ master, plan, ...filters, offset, limit: most + 1 });
      const more = found.length > most && offset + most < MOST_SYMBOLS_FOUND;
      const { ignoredWords } = plan;
      return { items: found.slice(0, most), nextPage: more ? page + 1 : undefined, ignoredWords };
    },
  };
}

const capitals = (text: string | undefined): string | undefined =>
  text === undefined || text === '' ? undefined : text.toUpperCase();

/** Of the broker; where none is named, of the first one that has one. */
export function pickMaster(masters: readonly Master[], broker: string | undefined): Master | undefined {
  const brokers = broker === undefined || broker === '' ? MASTER_BROKERS : [broker];
  const of = (id: string) => masters.find((master) => master.broker === id);
  return brokers.map(of).find((master) => master !== undefined);
}
