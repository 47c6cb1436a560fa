import type { Selectable } from 'kysely';
import { z } from 'zod';
import type { Instrument } from '../core/symbol.ts';
import type { Database } from '../storage/database.ts';
import { readStoredJson } from '../storage/read-stored-json.ts';
import type { SymbolMastersTable } from '../storage/schema.ts';
import { type Condition, namedOn, type SearchPlan } from './search-query.ts';
import type { SymbolIndex, SymbolRange, SymbolRow } from './symbol-index.ts';

/** The instruments that are in use for one broker. */
export interface Master extends SymbolRange {
  readonly broker: string;
  readonly importId: string;
  /** Which occur, sorted. */
  readonly exchanges: readonly string[];
  readonly types: readonly string[];
  /** Milliseconds since the epoch. */
  readonly importedAt: number;
}

export interface MasterSearch {
  /** In the order in which their instruments are listed. */
  readonly masters: readonly Master[];
  readonly plan: SearchPlan;
  readonly exchange: string | undefined;
  readonly type: string | undefined;
  readonly offset: number;
  readonly limit: number;
}

export interface SymbolStore {
  /** Of that symbol on that exchange, in all masters. Both in capitals. */
  find(exchange: string, symbolKey: string): Promise<readonly Instrument[]>;
  /** Of that display name or token on that exchange, in all masters. Both in capitals. */
  findByOtherName(exchange: string, name: string): Promise<readonly Instrument[]>;
  search(search: MasterSearch): Promise<readonly Instrument[]>;
  listMasters(): Promise<readonly Master[]>;
}

/** More instruments of one name are found by their words, as all others. */
const MOST_EXACT = 100;

export function createSymbolStore({ db }: Database, index: SymbolIndex): SymbolStore {
  /** Instruments that are called just so come before all that are found by their words. */
  async function listExact(
    master: Master,
    { plan, exchange, type }: MasterSearch,
  ): Promise<readonly SymbolRow[]> {
    const { exact } = plan;
    if (exact === undefined) return [];
    let query = db
      .selectFrom('symbols')
      .selectAll()
      .where('symbol_key', 'in', exact.symbols)
      .where('id', '>=', master.firstId)
      .where('id', '<=', master.lastId)
      .orderBy('id')
      .limit(MOST_EXACT);
    for (const place of [exact.exchange, exchange])
      if (place !== undefined) query = query.where('exchange', '=', place);
    if (type !== undefined) query = query.where('instrument_type', '=', type);
    const bySymbol = await query.execute();
    const byName = await listByWords(
      master,
      exact.conditions,
      bySymbol.map((row) => row.id),
    );
    return [...bySymbol, ...byName];
  }

  async function listByWords(
    master: Master,
    conditions: readonly Condition[],
    without: readonly number[] = [],
  ): Promise<readonly SymbolRow[]> {
    if (conditions.length === 0) return [];
    const plan = { conditions, literals: [], exact: undefined, ignoredWords: [] };
    return index.search({ range: master, plan, without, offset: 0, limit: MOST_EXACT });
  }

  async function listMasters(): Promise<readonly Master[]> {
    const rows = await db.selectFrom('symbol_masters').selectAll().execute();
    return rows.map(toMaster);
  }

  return {
    async find(exchange, symbolKey) {
      const rows = await db
        .selectFrom('symbols')
        .innerJoin('symbol_masters', (join) =>
          join
            .onRef('symbols.id', '>=', 'symbol_masters.first_id')
            .onRef('symbols.id', '<=', 'symbol_masters.last_id'),
        )
        .selectAll('symbols')
        .select('symbol_masters.broker')
        .where('symbols.symbol_key', '=', symbolKey)
        .where('symbols.exchange', '=', exchange)
        .orderBy('symbols.id')
        .execute();
      return rows.map((row) => toInstrument(row.broker, row));
    },

    async findByOtherName(exchange, name) {
      const conditions = namedOn(exchange, name);
      const rows = await inMasters((master) => listByWords(master, conditions), await listMasters());
      return rows
        .filter((row) =>
          [row.display_name, row.instrument_token, row.exchange_token].some(
            (each) => each.toUpperCase() === name,
          ),
        )
        .map((row) => toInstrument(row.broker, row));
    },

    async search(search) {
      const { masters, offset, limit } = search;
      const exact = await inMasters((master) => listExact(master, search), masters);
      const onThisPage = exact.slice(offset, offset + limit);
      const others = await listOthers(
        index,
        search,
        exact.map((row) => row.id),
        Math.max(0, offset - exact.length),
        limit - onThisPage.length,
      );
      return [...onThisPage.map((row) => toInstrument(row.broker, row)), ...others];
    },

    listMasters,
  };
}

/** Results behind the exact ones: each master's in turn. */
async function listOthers(
  index: SymbolIndex,
  { masters, plan }: MasterSearch,
  without: readonly number[],
  offset: number,
  limit: number,
): Promise<readonly Instrument[]> {
  const found: Instrument[] = [];
  let skip = offset;
  for (const master of masters) {
    const wanted = limit - found.length;
    if (wanted === 0) break;
    const search = { range: master, plan, without };
    const rows = await index.search({ ...search, offset: skip, limit: wanted });
    found.push(...rows.map((row) => toInstrument(master.broker, row)));
    // Behind the last row of this master, it counts how many rows of the next one stand on the pages before.
    if (rows.length > 0 || skip === 0) skip = 0;
    else skip -= (await index.search({ ...search, offset: 0, limit: skip })).length;
  }
  return found;
}

async function inMasters(
  list: (master: Master) => Promise<readonly SymbolRow[]>,
  masters: readonly Master[],
): Promise<readonly (SymbolRow & { readonly broker: string })[]> {
  const rows = await Promise.all(
    masters.map(async (master) => (await list(master)).map((row) => ({ ...row, broker: master.broker }))),
  );
  return rows.flat();
}

const names = z.array(z.string());

function toMaster(row: Selectable<SymbolMastersTable>): Master {
  return {
    broker: row.broker,
    importId: row.import_id,
    firstId: row.first_id,
    firstOptionId: row.first_option_id,
    lastId: row.last_id,
    exchanges: readStoredJson(row.exchanges, names, []),
    types: readStoredJson(row.types, names, []),
    importedAt: row.imported_at,
  };
}

function toInstrument(broker: string, row: SymbolRow): Instrument {
  return {
    broker,
    exchange: row.exchange,
    tradingSymbol: row.trading_symbol,
    name: row.name,
    displayName: row.display_name,
    isin: row.isin,
    instrumentToken: row.instrument_token,
    exchangeToken: row.exchange_token,
    expiry: row.expiry ?? undefined,
    strike: row.strike ?? undefined,
    tickSize: row.tick_size,
    lotSize: row.lot_size,
    instrumentType: row.instrument_type,
    segment: row.segment,
  };
}
