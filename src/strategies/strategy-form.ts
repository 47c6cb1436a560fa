import { z } from 'zod';
import { WEEKDAY_NAMES } from '../core/ist.ts';
import { PLATFORMS, PRODUCTS, type StrategySymbol } from '../core/signal.ts';
import { readAllowedAddress } from '../http/allowed-address.ts';
import type { StrategyDetails } from './strategy-store.ts';
import { parseEndOfDay, parseTimeOfDay } from './trading-window.ts';
import { TRADINGVIEW_ADDRESSES } from './tradingview-addresses.ts';

const LONGEST_NAME = 60;
const LARGEST_QUANTITY = 1_000_000;
const MOST_ADDRESSES = 20;

/** The text of a test signal. */
export const LONGEST_TEST = 2_000;

/** More rows would not get through the limit on a form's fields. */
export const MOST_SYMBOLS = 25;

/** A field that is there once, several times or not at all. */
const texts = z
  .union([z.string(), z.array(z.string())])
  .default([])
  .transform((value) => [value].flat());

const symbolRows = z
  .object({ symbol: texts, quantity: texts, product: texts })
  .transform(({ symbol, quantity, product }, context) => {
    const symbols: StrategySymbol[] = [];
    for (const [row, text] of symbol.slice(0, MOST_SYMBOLS).entries()) {
      const number = quantity[row]?.trim() ?? '';
      if (text.trim() === '' && number === '') continue;
      const read = readSymbolRow(text, number, product[row]);
      if (!read.ok) {
        for (const [field, message] of Object.entries(read.problems))
          context.addIssue({ code: 'custom', path: [`${field}-${row}`], message });
        continue;
      }
      if (symbols.some((known) => isSame(known, read.symbol)))
        context.addIssue({
          code: 'custom',
          path: [`symbol-${row}`],
          message: 'This symbol is listed twice.',
        });
      symbols.push(read.symbol);
    }
    if (symbols.length === 0 && context.issues.length === 0)
      context.addIssue({ code: 'custom', path: ['symbol-0'], message: 'Enter at least one symbol.' });
    return symbols;
  });

const hours = z
  .object({
    days: texts.transform((ticked) => WEEKDAY_NAMES.filter((day) => ticked.includes(day))),
    start: z.string({ error: 'Enter when it begins.' }).default(''),
    end: z.string({ error: 'Enter when it ends.' }).default(''),
  })
  .transform(({ days, start, end }, context) => {
    const opensAt = parseTimeOfDay(start);
    const closesAt = parseEndOfDay(end);
    if (days.length === 0) addIssue('day-mon', 'Tick at least one day.');
    if (opensAt === undefined) addIssue('start', 'Enter a time from 00:00 to 23:59.');
    if (closesAt === undefined) addIssue('end', 'Enter a time from 00:00 to 23:59.');
    if (opensAt === undefined || closesAt === undefined) return z.NEVER;
    if (closesAt <= opensAt)
      addIssue('end', 'The end must be later than the beginning: a window cannot go past midnight.');
    return { days, opensAt, closesAt };

    function addIssue(field: string, message: string): void {
      context.addIssue({ code: 'custom', path: [field], message });
    }
  });

/** Reads the form of a strategy. `brokers`: the ids of those that this server has. */
export function strategyForm(brokers: readonly string[]): z.ZodType<StrategyDetails> {
  const head = z.object({
    name: z
      .string({ error: 'Enter a name.' })
      .trim()
      .min(1, 'Enter a name.')
      .max(LONGEST_NAME, `Use at most ${LONGEST_NAME} characters.`)
      .regex(/^[^\p{C}]+$/u, 'Use letters, digits and signs only.'),
    platform: z.enum(PLATFORMS, { error: 'Choose where the signals come from.' }),
    broker: z
      .string({ error: 'Choose a broker.' })
      .refine((broker) => brokers.includes(broker), 'Choose a broker.'),
  });
  // Each part by itself: so a person hears of everything that is wrong at once.
  return z.unknown().transform((body, context) => {
    const parts = {
      head: head.safeParse(body),
      symbols: symbolRows.safeParse(body),
      hours: hours.safeParse(body),
    };
    for (const { error } of Object.values(parts))
      for (const { path, message } of error?.issues ?? [])
        context.addIssue({ code: 'custom', path: [...path], message });
    if (!parts.head.success || !parts.symbols.success || !parts.hours.success) return z.NEVER;
    return { ...parts.head.data, symbols: parts.symbols.data, hours: parts.hours.data };
  });
}

const addressList = z
  .string({ error: 'Enter addresses, one in a line.' })
  .max(2000, 'This is too long for a list of addresses.')
  .transform((text, context) => {
    const entries = text.split(/[\s,]+/).filter((entry) => entry !== '');
    const addresses = entries.map((entry) => readAllowedAddress(entry));
    const wrong = entries[addresses.indexOf(undefined)];
    if (wrong !== undefined) {
      const message = `${wrong.slice(0, 60)} is not an address like 203.0.113.7 or a block like 203.0.113.0/28.`;
      context.addIssue({ code: 'custom', message });
    }
    const unique = [...new Set(addresses.filter((address) => address !== undefined))];
    if (unique.length > MOST_ADDRESSES)
      context.addIssue({ code: 'custom', message: `Enter at most ${MOST_ADDRESSES} addresses.` });
    return unique;
  });

/**
 * Addresses and CIDRs, in lines or with commas between them; empty: any sender. The button for TradingView's own
 * says `preset` instead of listing them.
 */
export const addressesForm = z.preprocess(
  (body) => (isTradingViewPreset(body) ? { addresses: TRADINGVIEW_ADDRESSES.join() } : body),
  z.object({ addresses: addressList }),
);

function isTradingViewPreset(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'preset' in body && body.preset === 'tradingview';
}

type SymbolRow =
  | { readonly ok: true; readonly symbol: StrategySymbol }
  | { readonly ok: false; readonly problems: Readonly<Record<string, string>> };

function readSymbolRow(text: string, number: string, chosen: string | undefined): SymbolRow {
  const match = /^([A-Z]{2,10}):([A-Z0-9&!._ -]{1,50})$/.exec(text.trim().toUpperCase());
  const [, exchange, tradingSymbol] = match ?? [];
  const quantity = /^\d{1,7}$/.test(number) ? Number(number) : 0;
  const isQuantity = quantity >= 1 && quantity <= LARGEST_QUANTITY;
  const product = PRODUCTS.find((known) => known === chosen);
  if (exchange !== undefined && tradingSymbol !== undefined && isQuantity && product !== undefined)
    return { ok: true, symbol: { exchange, tradingSymbol, quantity, product } };
  return {
    ok: false,
    problems: {
      ...(match === null ? { symbol: 'Enter exchange and symbol, like NSE:SBIN.' } : {}),
      ...(isQuantity ? {} : { quantity: `Enter a whole number from 1 to ${LARGEST_QUANTITY}.` }),
      ...(product === undefined ? { product: 'Choose a product.' } : {}),
    },
  };
}

function isSame(one: StrategySymbol, other: StrategySymbol): boolean {
  return one.exchange === other.exchange && one.tradingSymbol === other.tradingSymbol;
}

/** Text of a test signal: any text that a sender could send, since the test is to find what is wrong with it. */
export const testSignalForm = z
  .object({ message: z.string({ error: 'Enter what to send.' }).default('') })
  .transform(({ message }, context) => {
    if (message.trim() === '') addIssue('Enter what to send.');
    if (message.length > LONGEST_TEST)
      addIssue(`Enter at most ${LONGEST_TEST.toLocaleString('en-IN')} characters.`);
    return message;

    function addIssue(text: string): void {
      context.addIssue({ code: 'custom', path: ['message'], message: text });
    }
  });
