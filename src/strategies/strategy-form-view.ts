import type { Request } from 'express';
import { WEEKDAY_NAMES, type Weekday } from '../core/ist.ts';
import { PLATFORMS, PRODUCTS } from '../core/signal.ts';
import { MOST_SYMBOLS } from './strategy-form.ts';
import { DAY_LABELS, PLATFORM_LABELS, PRODUCT_LABELS } from './strategy-labels.ts';
import type { StrategyDetails } from './strategy-store.ts';
import { formatTimeOfDay } from './trading-window.ts';

/** Values of the form's inputs: the stored ones, or those that a user typed. */
export interface FormValues {
  readonly name: string;
  readonly platform: string;
  readonly broker: string;
  readonly rows: readonly SymbolRow[];
  readonly days: readonly string[];
  readonly start: string;
  readonly end: string;
}

interface SymbolRow {
  readonly symbol: string;
  readonly quantity: string;
  readonly product: string;
}

interface Option {
  readonly value: string;
  readonly label: string;
  readonly chosen: boolean;
}

/** The form as its page shows it. */
export interface StrategyFormView extends Pick<FormValues, 'name' | 'start' | 'end'> {
  readonly platforms: readonly Option[];
  readonly brokers: readonly Option[];
  readonly rows: readonly (Omit<SymbolRow, 'product'> & { readonly products: readonly Option[] })[];
  readonly days: readonly Option[];
}

const FIRST_ROWS = 3;
const SPARE_ROWS = 2;

/** NSE's and BSE's hours for shares and their derivatives. */
const MARKET_HOURS = { start: '09:15', end: '15:30' };
const MARKET_DAYS: readonly Weekday[] = ['mon', 'tue', 'wed', 'thu', 'fri'];
/** A week begins on Monday here. */
const WEEK: readonly Weekday[] = [...WEEKDAY_NAMES.slice(1), ...WEEKDAY_NAMES.slice(0, 1)];

const EMPTY_ROW: SymbolRow = { symbol: '', quantity: '', product: 'MIS' };

export function emptyForm(broker: string | undefined): FormValues {
  return {
    name: '',
    platform: 'tradingview',
    broker: broker ?? '',
    rows: [],
    days: MARKET_DAYS,
    ...MARKET_HOURS,
  };
}

export function filledForm({ name, platform, broker, symbols, hours }: StrategyDetails): FormValues {
  return {
    name,
    platform,
    broker,
    rows: symbols.map(({ exchange, tradingSymbol, quantity, product }) => ({
      symbol: `${exchange}:${tradingSymbol}`,
      quantity: String(quantity),
      product,
    })),
    days: hours.days,
    start: formatTimeOfDay(hours.opensAt),
    // A browser's time input has no 24:00.
    end: formatTimeOfDay(hours.closesAt % (24 * 60)),
  };
}

/** The typed values of a form that is shown again. */
export function typedForm({ body }: Request): FormValues {
  const [symbols, quantities, products] = [
    typed(body, 'symbol'),
    typed(body, 'quantity'),
    typed(body, 'product'),
  ];
  return {
    name: typed(body, 'name')[0] ?? '',
    platform: typed(body, 'platform')[0] ?? '',
    broker: typed(body, 'broker')[0] ?? '',
    rows: symbols.slice(0, MOST_SYMBOLS).map((symbol, row) => ({
      symbol,
      quantity: quantities[row] ?? '',
      product: products[row] ?? '',
    })),
    days: typed(body, 'days'),
    start: typed(body, 'start')[0] ?? '',
    end: typed(body, 'end')[0] ?? '',
  };
}

export function toFormView(values: FormValues, brokerNames: ReadonlyMap<string, string>): StrategyFormView {
  const { name, platform, broker, days, start, end } = values;
  return {
    name,
    start,
    end,
    platforms: PLATFORMS.map((value) => toOption(value, PLATFORM_LABELS[value], platform === value)),
    brokers: [...brokerNames].map(([value, label]) => toOption(value, label, broker === value)),
    rows: withSpareRows(values.rows).map(({ symbol, quantity, product }) => ({
      symbol,
      quantity,
      products: PRODUCTS.map((value) => toOption(value, PRODUCT_LABELS[value], product === value)),
    })),
    days: WEEK.map((day) => toOption(day, DAY_LABELS[day], days.includes(day))),
  };
}

/** One more row to write into. */
export function addRow(values: FormValues): FormValues {
  const rows = withSpareRows(values.rows);
  return rows.length >= MOST_SYMBOLS ? { ...values, rows } : { ...values, rows: [...rows, EMPTY_ROW] };
}

/** `NSE:SBIN 1`: a symbol and its lot, into the first row that is empty. Text of another form changes nothing. */
export function pickSymbol(
  values: FormValues,
  text: string,
): { readonly values: FormValues; readonly row: number } {
  const [, symbol = '', lot = ''] = /^(\S.{0,99}) (\d{1,9})$/.exec(text) ?? [];
  const rows = withSpareRows(values.rows);
  const free = rows.findIndex((each) => each.symbol === '' && each.quantity === '');
  if (symbol === '' || free === -1) return { values, row: 0 };
  const picked = { ...EMPTY_ROW, symbol, quantity: lot };
  return { values: { ...values, rows: rows.with(free, picked) }, row: free };
}

/** Rows to write into, so that the page needs no script to grow. */
function withSpareRows(rows: readonly SymbolRow[]): readonly SymbolRow[] {
  const used = rows.filter(({ symbol, quantity }) => symbol !== '' || quantity !== '').length;
  const wanted = Math.max(rows.length, FIRST_ROWS, used + SPARE_ROWS);
  return Array.from({ length: Math.min(wanted, MOST_SYMBOLS) }, (_, row) => rows[row] ?? EMPTY_ROW);
}

function toOption(value: string, label: string, chosen: boolean): Option {
  return { value, label, chosen };
}

function typed(body: unknown, name: string): readonly string[] {
  if (typeof body !== 'object' || body === null) return [];
  const values: unknown[] = [Reflect.get(body, name)].flat();
  return values.filter((value) => typeof value === 'string').map((value) => value.slice(0, 200));
}
