import type { Selectable } from 'kysely';
import type { Instrument } from '../core/symbol.ts';
import type { Database } from '../storage/database.ts';
import type { SymbolMastersTable } from '../storage/schema.ts';
import type { SearchPlan } from './search-query.ts';
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
  readonly master: Master;
  readonly plan: SearchPlan;
  readonly exchange: string | undefined;
  readonly type: string | undefined;
  readonly offset: number;
  readonly limit: number;
}

export interface SymbolStore {
  /** Of that name on that exchange, in all masters. Both in capitals. */
  find(exchange: string, symbolKey: string): Promise<readonly Instrument[]>;
  search(search: MasterSearch): Promise<readonly Instrument[]>;
  listMasters(): Promise<readonly Master[]>;
}

export function createSymbolStore({ db }: Database, index: SymbolIndex): SymbolStore {
  /** Instruments that are called just so come before all that are found by their words. */
  async function listExact({ master, plan, exchange, type }: MasterSearch): Promise<readonly SymbolRow[]> {
    if (plan.exactSymbol === undefined) return [];
    let query = db
      .selectFrom('symbols')
      .selectAll()
      .where('symbol_key', '=', plan.exactSymbol)
      .where('id', '>=', master.firstId)
      .where('id', '<=', master.lastId)
      .orderBy('id');
    if (exchange !== undefined) query = query.where('exchange', '=', exchange);
    if (type !== undefined) query = query.where('instrument_type', '=', type);
    return query.execute();
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
        .execute();
      return rows.map((row) => toInstrument(row.broker, row));
    },

    async search(search) {
      const { master, plan, offset, limit } = search;
      const exact = await listExact(search);
      const onThisPage = exact.slice(offset, offset + limit);
      const others = await index.search({
        range: master,
        plan,
        without: exact.map((row) => row.id),
        offset: Math.max(0, offset - exact.length),
        limit: limit - onThisPage.length,
      });
      return [...onThisPage, ...others].map((row) => toInstrument(master.broker, row));
    },

    async listMasters() {
      const rows = await db.selectFrom('symbol_masters').selectAll().execute();
      return rows.map(toMaster);
    },
  };
}

function toMaster(row: Selectable<SymbolMastersTable>): Master {
  const exchanges: readonly string[] = JSON.parse(row.exchanges);
  const types: readonly string[] = JSON.parse(row.types);
  return {
    broker: row.broker,
    importId: row.import_id,
    firstId: row.first_id,
    firstOptionId: row.first_option_id,
    lastId: row.last_id,
    exchanges,
    types,
    importedAt: row.imported_at,
  };
}

function toInstrument(broker: string, row: SymbolRow): Instrument {
  return {
    broker,
    exchange: row.exchange,
    tradingSymbol: row.trading_symbol,
    name: row.name,
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
