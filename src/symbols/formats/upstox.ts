import { readInstrumentType, readKiteColumns } from './cell-readers.ts';
import type { MasterFormat } from './master-format.ts';
import { typeOfIsin } from './security-type.ts';

/** Upstox calls a segment what the others call an exchange. */
const EXCHANGES: ReadonlyMap<string, string> = new Map([
  ['NSE_EQ', 'NSE'],
  ['NSE_INDEX', 'NSE'],
  ['NSE_FO', 'NFO'],
  ['NCD_FO', 'CDS'],
  ['NSE_COM', 'NCO'],
  ['BSE_EQ', 'BSE'],
  ['BSE_INDEX', 'BSE'],
  ['BSE_FO', 'BFO'],
  ['BCD_FO', 'BCD'],
  ['MCX_FO', 'MCX'],
  ['MCX_INDEX', 'MCX'],
]);

/**
 * Of commodities and currencies the file has the tick in paise (100.0 for crude oil, 0.25 for the dollar), of everything else in
 * rupees; strikes and prices are always rupees.
 */
const TICKS_IN_PAISE: ReadonlySet<string> = new Set(['MCX_FO', 'NSE_COM', 'NCD_FO', 'BCD_FO']);
const PAISE = 100;

/** The CSV file of all contracts (https://upstox.com/developer/api-documentation/instruments), which comes gzipped. */
export const UPSTOX: MasterFormat = {
  broker: 'upstox',
  name: 'Upstox',
  source: 'https://assets.upstox.com/market-quote/instruments/exchange/complete.csv.gz',
  columns: [
    'instrument_key',
    'exchange_token',
    'tradingsymbol',
    'name',
    'expiry',
    'strike',
    'tick_size',
    'lot_size',
    'instrument_type',
    'option_type',
    'exchange',
  ],
  read(cell) {
    const segment = cell('exchange');
    const instrumentToken = cell('instrument_key');
    const id = instrumentToken.slice(instrumentToken.indexOf('|') + 1);
    const isin = /^[A-Z]{2}[A-Z0-9]{9}[0-9]$/.test(id) ? id : '';
    const columns = readKiteColumns(cell);
    const type = readInstrumentType(cell('instrument_type'), cell('option_type'));
    return {
      ...columns,
      // Some files leave the symbol of an index out; its key ends in it.
      tradingSymbol: columns.tradingSymbol === '' && type === 'INDEX' ? id : columns.tradingSymbol,
      tickSize: TICKS_IN_PAISE.has(segment) ? columns.tickSize / PAISE : columns.tickSize,
      exchange: EXCHANGES.get(segment) ?? segment,
      isin,
      instrumentToken,
      instrumentType: type === 'EQ' && isin !== '' ? typeOfIsin(isin) : type,
      segment,
    };
  },
};
