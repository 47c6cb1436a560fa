import type { Instrument } from '../core/symbol.ts';
import type { InstrumentDraft } from './formats/master-format.ts';

export type InstrumentCheck =
  | { readonly kind: 'instrument'; readonly instrument: Instrument }
  /** In words that stand behind a line number. */
  | { readonly kind: 'bad'; readonly why: string };

const LONGEST_SYMBOL = 100;
const LONGEST_NAME = 200;
const LONGEST_TOKEN = 64;
const LONGEST_SHOWN = 40;

const DAYS_OF_MONTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

const EXCHANGE = /^[A-Z0-9_-]{2,12}$/;
const TYPE = /^[A-Z0-9_-]{1,20}$/;
const SEGMENT = /^[A-Za-z0-9_-]{0,30}$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** Checks what a broker's file says of an instrument. Written out, since a schema takes ten times as long for a master. */
export function checkInstrument(broker: string, draft: InstrumentDraft): InstrumentCheck {
  const why = findFault(draft);
  if (why !== undefined) return { kind: 'bad', why };
  const { expiry, ...rest } = draft;
  return { kind: 'instrument', instrument: { broker, ...rest, expiry: expiry === '' ? undefined : expiry } };
}

function findFault(draft: InstrumentDraft): string | undefined {
  const { exchange, tradingSymbol, name, displayName, expiry, strike, tickSize, lotSize, instrumentType } =
    draft;
  if (tradingSymbol === '') return 'the trading symbol is missing';
  if (tradingSymbol.length > LONGEST_SYMBOL) return 'the trading symbol is too long';
  if (!EXCHANGE.test(exchange))
    return exchange === '' ? 'the exchange is missing' : `${shown(exchange)} is no exchange`;
  if (!TYPE.test(instrumentType)) return `${shown(instrumentType)} is no instrument type`;
  if (!SEGMENT.test(draft.segment)) return `${shown(draft.segment)} is no segment`;
  if (!isToken(draft.instrumentToken)) return 'the instrument token is missing or too long';
  if (draft.exchangeToken.length > LONGEST_TOKEN) return 'the exchange token is too long';
  if (name.length > LONGEST_NAME || displayName.length > LONGEST_NAME) return 'the name is too long';
  if (CONTROL.test(`${tradingSymbol}${name}${displayName}${draft.instrumentToken}${draft.exchangeToken}`))
    return 'it contains control characters';
  if (expiry !== '' && !isDate(expiry)) return `the expiry ${shown(expiry)} is not a date like 2024-12-26`;
  if (Number.isNaN(strike)) return 'the strike is not a number';
  if (!(tickSize >= 0)) return 'the tick size is not a number';
  if (!(lotSize >= 0)) return 'the lot size is not a number';
  return findDerivativeFault(draft);
}

function findDerivativeFault({ instrumentType, expiry, strike }: InstrumentDraft): string | undefined {
  const option = instrumentType === 'CE' || instrumentType === 'PE';
  if ((option || instrumentType === 'FUT') && expiry === '') return 'a derivative without an expiry';
  if (option && strike === undefined) return 'an option without a strike';
  return undefined;
}

const isToken = (text: string): boolean => text !== '' && text.length <= LONGEST_TOKEN;

/** 2024-02-30 is none. Reckoned by hand: a calendar would take a tenth of the time that a master takes. */
function isDate(text: string): boolean {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (match === null) return false;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = month === 2 && leap ? 29 : DAYS_OF_MONTHS[month - 1];
  return days !== undefined && day >= 1 && day <= days;
}

/** A short part of the file's text, without control characters, to find it there. */
function shown(text: string): string {
  const printable = text.replaceAll(new RegExp(CONTROL, 'g'), '?');
  return `“${printable.length > LONGEST_SHOWN ? `${printable.slice(0, LONGEST_SHOWN)}…` : printable}”`;
}
