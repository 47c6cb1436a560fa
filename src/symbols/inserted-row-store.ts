import { type RawBuilder, sql } from 'kysely';
import { wordsOf } from './search-words.ts';
import type { PlacedInstrument } from './symbol-index.ts';

/** The columns of `symbols` in the order in which `toInsertJson` gives their values. */
export const INSERTED_COLUMNS: RawBuilder<unknown> = sql`id, exchange, symbol_key, trading_symbol, name,
  instrument_token, exchange_token, expiry, strike, tick_size, lot_size, instrument_type, segment, display_name, isin`;

/** Where the words stand behind them, separated by blanks. */
export const WORDS_AT = 15;

/**
 * Many rows as one parameter, an array of arrays: one short statement for any number of them, which is prepared once. A
 * statement with a parameter for each value takes three times as long.
 */
export function toInsertJson(symbols: readonly PlacedInstrument[]): string {
  return JSON.stringify(
    symbols.map(({ id, instrument }) => [
      id,
      instrument.exchange,
      instrument.tradingSymbol.toUpperCase(),
      instrument.tradingSymbol,
      instrument.name,
      instrument.instrumentToken,
      instrument.exchangeToken,
      instrument.expiry ?? null,
      instrument.strike ?? null,
      instrument.tickSize,
      instrument.lotSize,
      instrument.instrumentType,
      instrument.segment,
      instrument.displayName,
      instrument.isin,
      wordsOf(instrument).join(' '),
    ]),
  );
}
