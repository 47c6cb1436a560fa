import type { InstrumentDraft } from './master-format.ts';

/** A decimal number; NaN for anything else that is written there, undefined where nothing is. */
export function readNumber(text: string): number | undefined {
  if (text === '') return undefined;
  return /^-?\d{1,15}(?:\.\d{1,10})?$/.test(text) ? Number(text) : Number.NaN;
}

/** Masters write 0 where a column means nothing, and some a small negative number. */
export function readStrike(text: string): number | undefined {
  const strike = readNumber(text);
  return strike !== undefined && strike <= 0 ? undefined : strike;
}

/** Columns that Kite and Upstox name alike. */
export function readKiteColumns(
  cell: (column: string) => string,
): Omit<InstrumentDraft, 'exchange' | 'instrumentToken' | 'instrumentType' | 'isin' | 'segment'> {
  return {
    tradingSymbol: cell('tradingsymbol'),
    name: cell('name'),
    displayName: '',
    exchangeToken: cell('exchange_token'),
    expiry: cell('expiry'),
    strike: readStrike(cell('strike')),
    tickSize: readNumber(cell('tick_size')) ?? 0,
    lotSize: readNumber(cell('lot_size')) ?? 0,
  };
}

const OPTION_SIDES: ReadonlySet<string> = new Set(['CE', 'PE']);

/** `CE`, `FUT`, `EQ` or `INDEX` from an exchange's name for the kind, such as OPTSTK or FUTIDX, and the side of an option. */
export function readInstrumentType(kind: string, side: string): string {
  if (kind.startsWith('OPT') && OPTION_SIDES.has(side)) return side;
  if (kind.startsWith('FUT')) return 'FUT';
  return kind === 'EQUITY' ? 'EQ' : kind;
}
