import { sql } from 'kysely';
import type { Database } from '../storage/database.ts';

/** A symbol that a user watches, with the last price that was seen of it. */
export interface WatchedSymbol {
  /** As `NSE:INFY`. */
  readonly symbol: string;
  readonly last: SeenPrice | undefined;
}

export interface SeenPrice {
  /** In rupees. */
  readonly price: number;
  /** Of the trading day before. */
  readonly close?: number | undefined;
  /** In ms since the epoch. */
  readonly at: number;
}

export const MOST_WATCHED = 20;

export interface WatchlistStore {
  /** As they were added. */
  list(userId: string): Promise<readonly WatchedSymbol[]>;
  /** `full`, and nothing was added, where the user watches `MOST_WATCHED` others. */
  add(userId: string, symbol: string, now: number): Promise<'added' | 'full'>;
  /** Twice is harmless. */
  remove(userId: string, symbol: string): Promise<void>;
  /** Of symbols that are still watched. */
  savePrices(userId: string, prices: ReadonlyMap<string, SeenPrice>): Promise<void>;
}

export function createWatchlistStore({ db }: Database): WatchlistStore {
  return {
    async list(userId) {
      const rows = await db
        .selectFrom('watched_symbols')
        .selectAll()
        .where('user_id', '=', userId)
        .orderBy('added_at')
        .orderBy('symbol')
        .execute();
      return rows.map(({ symbol, price, close, priced_at }) => ({
        symbol,
        last:
          price === null || priced_at === null
            ? undefined
            : { price, close: close ?? undefined, at: priced_at },
      }));
    },

    async add(userId, symbol, now) {
      const { rows } = await sql<{ readonly symbol: string }>`
        insert into watched_symbols (user_id, symbol, added_at)
        select ${userId}, ${symbol}, cast(${now} as bigint)
        where (select count(*) from watched_symbols where user_id = ${userId} and symbol <> ${symbol}) < ${MOST_WATCHED}
        on conflict (user_id, symbol) do update set added_at = watched_symbols.added_at
        returning symbol`.execute(db);
      return rows.length > 0 ? 'added' : 'full';
    },

    async remove(userId, symbol) {
      await db
        .deleteFrom('watched_symbols')
        .where('user_id', '=', userId)
        .where('symbol', '=', symbol)
        .execute();
    },

    async savePrices(userId, prices) {
      await db.transaction().execute(async (trx) => {
        for (const [symbol, { price, close = null, at }] of prices)
          await trx
            .updateTable('watched_symbols')
            .set({ price, close, priced_at: at })
            .where('user_id', '=', userId)
            .where('symbol', '=', symbol)
            .execute();
      });
    },
  };
}
