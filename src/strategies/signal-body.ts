import { z } from 'zod';
import { SIGNAL_ACTIONS, type SignalAction } from '../core/signal.ts';
import { readSignalFields, type SignalField } from './signal-fields.ts';

/** Content of a message, before it is held against the strategy. */
export interface SignalMessage {
  readonly action: SignalAction;
  /** In capitals. Undefined: the strategy's only one. */
  readonly tradingSymbol: string | undefined;
  readonly exchange: string | undefined;
  /** Undefined: the strategy's. */
  readonly quantity: number | undefined;
  readonly price: number | undefined;
  /** In capitals. Undefined: the strategy's. */
  readonly wantedProduct: string | undefined;
  readonly clientId: string | undefined;
}

export type SignalBodyReading =
  | { readonly kind: 'signal'; readonly message: SignalMessage }
  | { readonly kind: 'malformed'; readonly fields: Readonly<Record<string, string>> };

const LARGEST_QUANTITY = 1_000_000_000;

/** `NSE:SBIN` or `SBIN`; `M&M`, `NIFTY24DEC25000CE`, `NIFTY 50` and `NIFTY1!` are names, too. */
const SYMBOL_FORM = /^(?:([A-Z]{2,10}):)?([A-Z0-9&!._ -]{1,50})$/;

/** TradingView puts its placeholders between quotes as often as not, and contracts with decimals: "75", 75, "75.0". */
const numberText = z
  .union([z.number(), z.string().trim()], { error: 'Must be a number.' })
  .transform((value) => (typeof value === 'number' ? value : decimal(value)));

/** Schema of a JSON body. The API's document is made of it, too. */
export const signalBodySchema = z.object({
  action: z
    .string({ error: `Say what to do: ${SIGNAL_ACTIONS.join(', ')}.` })
    .trim()
    .toLowerCase()
    .pipe(z.enum(SIGNAL_ACTIONS, { error: `Must be one of ${SIGNAL_ACTIONS.join(', ')}.` }))
    .meta({ description: `One of ${SIGNAL_ACTIONS.join(', ')}. Also called side or transaction_type` }),
  symbol: symbolField().meta({
    description:
      'NSE:SBIN or SBIN; may be left out where the strategy has one only. Also ticker or tradingsymbol; TradingView’s _ may stand for & and -',
  }),
  exchange: z
    .string({ error: 'Must be text.' })
    .trim()
    .toUpperCase()
    .regex(/^[A-Z]{2,10}$/, 'Must be an exchange, like NSE.')
    .optional()
    .meta({ description: 'Where the symbol does not name it' }),
  quantity: numberText
    .pipe(
      z
        .number({ error: 'Must be a whole number.' })
        .int('Must be a whole number.')
        .min(1, 'Must be 1 or more.')
        .max(LARGEST_QUANTITY, 'Is too large.'),
    )
    .optional()
    .meta({ description: 'The strategy’s, where it is left out. Also called qty, contracts or size' }),
  price: numberText
    .pipe(z.number({ error: 'Must be a number.' }).min(0, 'Must not be below 0.'))
    .transform((price) => (price === 0 ? undefined : price))
    .optional()
    .meta({ description: 'Passed on as it is; 0 or nothing for an order at the market' }),
  product: z
    .string({ error: 'Must be text, like MIS.' })
    .trim()
    .toUpperCase()
    .optional()
    .meta({ description: 'Must be the strategy’s, where it is given' }),
  pricetype: z
    .string({ error: 'Must be text, like MARKET.' })
    .trim()
    .toUpperCase()
    .pipe(z.enum(['MARKET', 'LIMIT'], { error: 'Only MARKET and LIMIT are taken.' }))
    .optional()
    .meta({
      description: 'MARKET, which has no price, or LIMIT, which needs one. Also called order_type',
    }),
  id: z
    .union([z.string(), z.number().int()], { error: 'Must be text or a whole number.' })
    .transform((value) => String(value).trim())
    .pipe(
      z
        .string()
        .min(1, 'Must not be empty.')
        .max(100, 'May have 100 characters.')
        // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused.
        .regex(/^[^\u0000-\u001f\u007f]+$/, 'Must have no control characters.'),
    )
    .optional()
    .meta({ description: 'The sender’s own name for the signal' }),
});

/**
 * Reads what a platform or program has sent, under any Content-Type: a JSON object, one line like
 * `BUY NSE:SBIN 10`, or the sentence that TradingView sends for a strategy's alert when it was left unchanged.
 */
export function readSignalBody(body: Buffer): SignalBodyReading {
  const text = decode(body);
  if (text === undefined) return malformed({ body: 'The body must be text in UTF-8.' });
  const value = text.startsWith('{') ? parseJson(text) : readSentence(text);
  if (value === undefined) return malformed({ body: HOW_TO });
  const { values, names, problems } = readSignalFields(value);
  const parsed = signalBodySchema.safeParse(withoutEmpty(values));
  const fields = { ...(parsed.success ? {} : describe(parsed.error, names)), ...problems };
  if (!parsed.success || Object.keys(fields).length > 0) return malformed(fields);
  return complete(parsed.data, names);
}

/** Holds what the fields say against each other. */
function complete(
  { action, symbol, exchange, quantity, price, product, pricetype, id }: z.output<typeof signalBodySchema>,
  names: FieldNames,
): SignalBodyReading {
  if (symbol?.exchange !== undefined && exchange !== undefined && exchange !== symbol.exchange)
    return malformed({ exchange: `Says something else than ${names.symbol ?? 'symbol'}.` });
  if (pricetype === 'LIMIT' && price === undefined)
    return malformed({ [names.price ?? 'price']: 'An order at a limit needs a price above 0.' });
  const message = {
    action,
    tradingSymbol: symbol?.tradingSymbol,
    exchange: symbol?.exchange ?? exchange,
    quantity,
    price: pricetype === 'MARKET' ? undefined : price,
    wantedProduct: product,
    clientId: id,
  };
  return { kind: 'signal', message };
}

type FieldNames = Partial<Record<SignalField, string>>;

/** Platforms send fields that they have nothing for as null or "", which says nothing; a quantity or an action says always something. */
function withoutEmpty(values: Partial<Record<SignalField, unknown>>): Partial<Record<SignalField, unknown>> {
  const { price, product, pricetype, ...rest } = values;
  const given = Object.entries({ price, product, pricetype }).filter(
    ([, value]) => value !== null && !(typeof value === 'string' && value.trim() === ''),
  );
  return { ...rest, ...Object.fromEntries(given) };
}

const HOW_TO = 'Send a JSON object like {"action":"buy","symbol":"NSE:SBIN"}, or a line like BUY NSE:SBIN.';

function symbolField() {
  return z
    .string({ error: 'Must be text, like NSE:SBIN.' })
    .trim()
    .toUpperCase()
    .regex(SYMBOL_FORM, 'Must be a symbol, like NSE:SBIN.')
    .transform((text) => {
      const [, exchange, tradingSymbol] = SYMBOL_FORM.exec(text) ?? [];
      return { exchange, tradingSymbol };
    })
    .optional();
}

function decode(body: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body).trim();
  } catch {
    return undefined;
  }
}

function parseJson(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** "MACD (12, 26, 9): order buy @ 75 filled on NIFTY1!. New strategy position is 75" */
const TRADINGVIEW_DEFAULT = /\border (buy|sell) @ ([\d.]+) filled on (\S+?)\. New strategy position is/i;

function readSentence(text: string): object | undefined {
  const alert = TRADINGVIEW_DEFAULT.exec(text);
  if (alert !== null) return { action: alert[1], quantity: alert[2], symbol: alert[3] };
  const [action, second, third, ...rest] = text.split(/\s+/);
  if (rest.length > 0 || !SIGNAL_ACTIONS.some((known) => known === action?.toLowerCase())) return undefined;
  // BUY 10 and BUY 3MINDIA: what is a number from end to end is a quantity.
  const hasSymbol = second !== undefined && (third !== undefined || Number.isNaN(decimal(second)));
  return hasSymbol ? { action, symbol: second, quantity: third } : { action, quantity: second };
}

/** NaN for what is no number as people write it: no 0x10, no 1e3, no thousands. */
function decimal(text: string): number {
  return /^\d{1,15}(\.\d{1,10})?$/.test(text) ? Number(text) : Number.NaN;
}

/** By the sender's own names for the fields. */
function describe(error: z.ZodError, names: FieldNames): Readonly<Record<string, string>> {
  const fields: Record<string, string> = {};
  for (const issue of error.issues) {
    const [field] = issue.path;
    const name = Object.entries(names).find(([each]) => each === field)?.[1] ?? String(field ?? 'body');
    fields[name] ??= issue.message;
  }
  return fields;
}

function malformed(fields: Readonly<Record<string, string>>): SignalBodyReading {
  return { kind: 'malformed', fields };
}
