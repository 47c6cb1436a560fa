import type { Instrument } from '../core/symbol.ts';
import type { Database } from '../storage/database.ts';
import type { SymbolsTable } from '../storage/schema.ts';
import type { SearchPlan } from './search-query.ts';

/** An instrument with its place in the order of results. */
export interface PlacedInstrument {
  readonly id: number;
  readonly instrument: Instrument;
}

/** The symbols that are a master: ids, both included. From `firstOptionId` on they are options. */
export interface SymbolRange {
  readonly firstId: number;
  readonly firstOptionId: number;
  readonly lastId: number;
}

export interface IndexSearch {
  readonly range: SymbolRange;
  readonly plan: SearchPlan;
  /** Found by other means already. */
  readonly without: readonly number[];
  readonly offset: number;
  readonly limit: number;
}

export type SymbolRow = Readonly<SymbolsTable>;

/** The symbols and their words in one database's own way; the rest of the feature does not know which. */
export interface SymbolIndex {
  /** Before the first symbol of a range of ids is inserted. */
  prepare(firstId: number): Promise<void>;
  /** Within the caller's transaction. The ids are in ascending order, and in the range that begins with `firstId`. */
  insert(transaction: Database['db'], firstId: number, symbols: readonly PlacedInstrument[]): Promise<void>;
  /** In the order of the ids. Of a search that finds more than `MOST_SYMBOLS_FOUND`, only as many are looked at. */
  search(search: IndexSearch): Promise<readonly SymbolRow[]>;
  /** Before the first symbol of a range is removed: it is no longer searched. May be repeated. */
  discard(firstId: number): Promise<void>;
  removeRange(firstId: number, lastId: number): Promise<void>;
  /** After many inserts: what makes the next searches quick. */
  settle(): Promise<void>;
}
