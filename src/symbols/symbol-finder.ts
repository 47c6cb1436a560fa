import { MOST_SYMBOLS_FOUND, type SymbolFinder, type SymbolPage } from '../core/symbol.ts';
import { MASTER_BROKERS } from './formats/all-formats.ts';
import { planSearch } from './search-query.ts';
import type { Master, SymbolStore } from './symbol-store.ts';

export interface SymbolFinderDeps {
  readonly store: Pick<SymbolStore, 'search' | 'listMasters'>;
}

const NOTHING: SymbolPage = { items: [], nextPage: undefined, ignoredWords: [] };

/** Search in one broker's master, or in all of them. */
export function createSymbolFinder({ store }: SymbolFinderDeps): SymbolFinder {
  return {
    async search({ q, exchange, type, broker, limit, page }) {
      // No instrument has it, and Postgres takes it in no text.
      if ([q, exchange, type].some((text) => text?.includes('\u0000'))) return NOTHING;
      const filters = { exchange: capitals(exchange), type: capitals(type) };
      const plan = planSearch({ q, ...filters });
      const offset = (page - 1) * limit;
      const most = Math.min(limit, MOST_SYMBOLS_FOUND - offset);
      const masters = plan && most > 0 ? pickMasters(await store.listMasters(), broker) : [];
      if (plan === undefined || masters.length === 0) return NOTHING;
      // One more than is shown tells whether there is a next page.
      const found = await store.search({ masters, plan, ...filters, offset, limit: most + 1 });
      const more = found.length > most && offset + most < MOST_SYMBOLS_FOUND;
      const { ignoredWords } = plan;
      return { items: found.slice(0, most), nextPage: more ? page + 1 : undefined, ignoredWords };
    },
  };
}

const capitals = (text: string | undefined): string | undefined =>
  text === undefined || text === '' ? undefined : text.toUpperCase();

/** The broker's; where none is named, all of them in the order in which formats are listed. */
export function pickMasters(masters: readonly Master[], broker: string | undefined): readonly Master[] {
  const brokers = broker === undefined || broker === '' ? MASTER_BROKERS : [broker];
  return brokers.flatMap((id) => masters.filter((master) => master.broker === id));
}
