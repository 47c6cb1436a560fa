import { readKiteColumns } from './cell-readers.ts';
import type { MasterFormat } from './master-format.ts';
import { typeOfNseSeries } from './security-type.ts';

/**
 * Kite Connect 3, GET /instruments (https://kite.trade/docs/connect/v3/market-data-and-instruments). It calls an index
 * a share in the segment INDICES.
 */
export const ZERODHA: MasterFormat = {
  broker: 'zerodha',
  name: 'Zerodha (Kite)',
  source: 'https://api.kite.trade/instruments',
  columns: [
    'instrument_token',
    'exchange_token',
    'tradingsymbol',
    'name',
    'expiry',
    'strike',
    'tick_size',
    'lot_size',
    'instrument_type',
    'segment',
    'exchange',
  ],
  read: (cell) => ({
    ...readKiteColumns(cell),
    isin: '',
    exchange: cell('exchange'),
    instrumentToken: cell('instrument_token'),
    instrumentType: readType(cell),
    segment: cell('segment'),
  }),
};

/** Kite has all securities of an exchange as EQ. On NSE the symbol of one that is not in series EQ ends in its series. */
function readType(cell: (column: string) => string): string {
  if (cell('segment') === 'INDICES') return 'INDEX';
  const [, series] = /-([A-Z][A-Z0-9])$/.exec(cell('tradingsymbol')) ?? [];
  const type = cell('instrument_type');
  return series !== undefined && type === 'EQ' && cell('exchange') === 'NSE' ? typeOfNseSeries(series) : type;
}
