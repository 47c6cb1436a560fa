import { readInstrumentType, readNumber, readStrike } from './cell-readers.ts';
import type { MasterFormat } from './master-format.ts';
import { type SecurityType, typeOfNseSeries } from './security-type.ts';

/** Exchange and segment letter (C currency, D derivatives, E equity, I index, M commodity): ours, and what Dhan's API wants. */
const SEGMENTS: ReadonlyMap<string, { readonly exchange: string; readonly segment: string }> = new Map([
  ['NSE E', { exchange: 'NSE', segment: 'NSE_EQ' }],
  ['NSE I', { exchange: 'NSE', segment: 'IDX_I' }],
  ['NSE D', { exchange: 'NFO', segment: 'NSE_FNO' }],
  ['NSE C', { exchange: 'CDS', segment: 'NSE_CURRENCY' }],
  ['NSE M', { exchange: 'NCO', segment: 'NSE_COMM' }],
  ['BSE E', { exchange: 'BSE', segment: 'BSE_EQ' }],
  ['BSE I', { exchange: 'BSE', segment: 'IDX_I' }],
  ['BSE D', { exchange: 'BFO', segment: 'BSE_FNO' }],
  ['BSE C', { exchange: 'BCD', segment: 'BSE_CURRENCY' }],
  ['MCX M', { exchange: 'MCX', segment: 'MCX_COMM' }],
]);

/** Dhan writes the tick in paise, which its documentation does not say: 10.0000 for a share that moves by 0.10 rupees. */
const PAISE = 100;

/** The compact list (https://dhanhq.co/docs/v2/instruments). Where nothing expires it writes year 1, or nothing. */
export const DHAN: MasterFormat = {
  broker: 'dhan',
  name: 'Dhan',
  source: 'https://images.dhan.co/api-data/api-scrip-master.csv',
  columns: [
    'SEM_EXM_EXCH_ID',
    'SEM_SEGMENT',
    'SEM_SMST_SECURITY_ID',
    'SEM_INSTRUMENT_NAME',
    'SEM_TRADING_SYMBOL',
    'SEM_LOT_UNITS',
    'SEM_EXPIRY_DATE',
    'SEM_STRIKE_PRICE',
    'SEM_OPTION_TYPE',
    'SEM_TICK_SIZE',
    'SM_SYMBOL_NAME',
  ],
  read(cell) {
    const kind = cell('SEM_INSTRUMENT_NAME');
    const place = SEGMENTS.get(`${cell('SEM_EXM_EXCH_ID')} ${cell('SEM_SEGMENT')}`);
    const tradingSymbol = cell('SEM_TRADING_SYMBOL');
    const derived = kind.startsWith('FUT') || kind.startsWith('OPT');
    const strike = readStrike(cell('SEM_STRIKE_PRICE'));
    return {
      exchange: place?.exchange ?? '',
      tradingSymbol,
      name: derived ? underlyingOf(tradingSymbol) : cell('SM_SYMBOL_NAME'),
      displayName: cell('SEM_CUSTOM_SYMBOL').replaceAll(/\s+/g, ' '),
      isin: '',
      instrumentToken: cell('SEM_SMST_SECURITY_ID'),
      exchangeToken: '',
      expiry: derived ? cell('SEM_EXPIRY_DATE').slice(0, 10) : '',
      strike: kind.startsWith('OPT') ? strike : undefined,
      tickSize: kind === 'INDEX' ? 0 : (readNumber(cell('SEM_TICK_SIZE')) ?? 0) / PAISE,
      lotSize: readNumber(cell('SEM_LOT_UNITS')) ?? 0,
      instrumentType:
        kind === 'EQUITY' ? readSecurityType(cell) : readInstrumentType(kind, cell('SEM_OPTION_TYPE')),
      segment: place?.segment ?? '',
    };
  },
};

/** Dhan's words for the types of securities; `ES` is a share, and `Other` may be anything. */
const SECURITY_TYPES: ReadonlyMap<string, SecurityType> = new Map([
  ['ES', 'EQ'],
  ['ETF', 'FUND'],
  ['MF', 'FUND'],
  ['InvITU', 'FUND'],
  ['REIT', 'FUND'],
  ['PS', 'PREF'],
  ['PN', 'PREF'],
  ['DEB', 'BOND'],
  ['DBT', 'BOND'],
  ['GB', 'BOND'],
  ['TB', 'BOND'],
  ['PTC', 'BOND'],
]);

/** BSE trades debt in groups F and G, and rights in R; `CB` on NSE is a bond or a warrant, which its series tells. */
function readSecurityType(cell: (column: string) => string): SecurityType {
  const series = cell('SEM_SERIES');
  const type = SECURITY_TYPES.get(cell('SEM_EXCH_INSTRUMENT_TYPE'));
  if (type !== undefined || series === '') return type ?? 'EQ';
  if (cell('SEM_EXM_EXCH_ID') === 'NSE') return typeOfNseSeries(series);
  if (series === 'R') return 'RIGHTS';
  return series === 'F' || series === 'G' ? 'BOND' : 'EQ';
}

/** `BAJAJ-AUTO` of `BAJAJ-AUTO-Sep2026-700-CE`: the column for it is empty on most derivatives. */
function underlyingOf(tradingSymbol: string): string {
  return tradingSymbol.replace(/-(?:\d{1,2})?[A-Za-z]{3}\d{4}-.*$/, '');
}
