import { readKiteColumns } from './cell-readers.ts';
import type { MasterFormat } from './master-format.ts';

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
    exchange: cell('exchange'),
    instrumentToken: cell('instrument_token'),
    instrumentType: cell('segment') === 'INDICES' ? 'INDEX' : cell('instrument_type'),
    segment: cell('segment'),
  }),
};
