import type { Instrument } from '../core/symbol.ts';
import { underlyingOf } from './display-order.ts';

const MONTHS = 'january february march april may june july august september october november december'.split(
  ' ',
);

/** People's words for the types. */
const TYPE_WORDS: Readonly<Record<string, readonly string[]>> = {
  CE: ['call', 'option'],
  PE: ['put', 'option'],
  FUT: ['futures'],
  EQ: ['equity', 'share'],
};

/** They stand in thousands of names and tell nothing apart; `lt` should find Larsen & Toubro and not every Ltd. */
const NOISE: ReadonlySet<string> = new Set(['ltd', 'limited']);

/**
 * The words by which an instrument is found: letters and digits in lower case, with a dot only between digits. Beside
 * them stand marks, which begin with a letter and a dot and so can be no typed word: for filters, and for signs that
 * a search may contain.
 */
export function wordsOf(instrument: Instrument): readonly string[] {
  const { tradingSymbol, name, displayName, isin, exchange, instrumentType } = instrument;
  const signs = signsIn(literalText(instrument));
  return [
    ...new Set([
      ...spellingsOf(tradingSymbol),
      ...wordsIn(`${name} ${displayName} ${isin}`).filter((word) => !isNoise(word)),
      ...wordsIn(exchange),
      ...wordsIn(instrumentType),
      ...(TYPE_WORDS[instrumentType] ?? []),
      ...contractWords(instrument),
      ...(instrument.expiry === undefined ? [] : underlyingWords(instrument)),
      exchangeMark(exchange),
      typeMark(instrumentType),
      ...signs.map(signMark),
      ...namesOf(instrument).map(nameMark),
    ]),
  ];
}

/** By each of these an instrument is meant where nothing else is searched for. */
function namesOf({ tradingSymbol, name, displayName, isin, expiry, ...rest }: Instrument): readonly string[] {
  const tokens = [rest.instrumentToken, rest.exchangeToken, displayName];
  if (expiry !== undefined)
    return (
      rest.instrumentType === 'FUT' ? [...tokens, underlyingOf({ tradingSymbol, name })] : tokens
    ).filter(isNotEmpty);
  const titles = [name, displayName];
  const others =
    rest.instrumentType === 'INDEX'
      ? [tradingSymbol, ...titles].flatMap((title) => INDEX_NICKNAMES[nameKey(title)] ?? [])
      : rest.instrumentType === 'EQ'
        ? titles.flatMap(initialsOf)
        : [];
  return [tradingSymbol, ...titles, ...tokens, isin, ...others].filter(isNotEmpty);
}

const isNotEmpty = (text: string): boolean => nameKey(text) !== '';

/** By the key of their names: what options and futures on them are called. */
const INDEX_NICKNAMES: Readonly<Record<string, readonly string[]>> = {
  '50 nifty': ['nifty'],
  'bank nifty': ['banknifty'],
  'fin nifty service': ['finnifty', 'nifty financial services'],
  finnifty: ['fin nifty', 'nifty fin service', 'nifty financial services'],
  'mid nifty select': ['midcpnifty', 'nifty midcap select'],
  'midcap nifty select': ['midcpnifty', 'nifty mid select'],
  '50 next nifty': ['niftynxt50', 'nifty junior'],
  'bse sensex': ['sensex'],
  'bankex bse': ['bankex'],
  'india vix': ['vix'],
};

const SMALL_WORDS: ReadonlySet<string> = new Set(['of', 'and', 'the']);

/** `sbi` of State Bank of India, `l&t` of Larsen & Toubro, `tcs` of Tata Consultancy Services Limited. */
function initialsOf(name: string): readonly string[] {
  const initials = wordsIn(name)
    .filter((word) => !isNoise(word) && !SMALL_WORDS.has(word))
    .map((word) => word.slice(0, 1));
  if (initials.length < 2) return [];
  return name.includes('&') ? [initials.join(' '), initials.join('')] : [initials.join('')];
}

/**
 * A name however it is written: letters and numbers, in no order, without what stands in thousands of names. So `Nifty Bank`
 * and `bank nifty` are the same, and `NIFTY50` and `nifty 50`.
 */
export function nameKey(text: string): string {
  return (text.toLowerCase().match(/[a-z]+|[0-9.]+/g) ?? [])
    .filter((word) => !isNoise(word))
    .toSorted()
    .join(' ');
}

/** Letters and digits in a row, in lower case; a dot between digits belongs to the number. */
export function wordsIn(text: string): readonly string[] {
  return text.toLowerCase().match(/[a-z0-9]+(?:(?<=[0-9])\.(?=[0-9])[a-z0-9]+)*/g) ?? [];
}

export const isNoise = (word: string): boolean => NOISE.has(word);

/** Neither letters nor digits of the alphabet, nor blanks: what a search must find as it stands there. */
export function signsIn(text: string): readonly string[] {
  return [...new Set(text.toLowerCase().match(/[^a-z0-9\s]/gu) ?? [])];
}

/** Where signs are looked for, in lower case. */
export function literalText(instrument: Pick<Instrument, 'tradingSymbol' | 'name' | 'displayName'>): string {
  return `${instrument.tradingSymbol} ${instrument.name} ${instrument.displayName}`.toLowerCase();
}

export const exchangeMark = (exchange: string): string => `e.${spelledOut(exchange)}`;
export const nameMark = (name: string): string => `n.${spelledOut(nameKey(name))}`;
export const typeMark = (type: string): string => `t.${spelledOut(type)}`;
export const signMark = (sign: string): string => `s.${spelledOut(sign)}`;

/** Any text in letters, digits and dots, so that no index can take anything in it for a sign of its own. */
const spelledOut = (text: string): string =>
  text.toLowerCase().replaceAll(/[^a-z0-9]/gu, (sign) => `.${sign.codePointAt(0)?.toString(16)}.`);

/** `bajaj`, `auto` and `bajajauto`; and of a derivative its underlying, which stands in front of the first digit. */
function spellingsOf(tradingSymbol: string): readonly string[] {
  const underlying = /^[^0-9]+(?=[0-9])/.exec(tradingSymbol)?.[0] ?? '';
  return [tradingSymbol, underlying].flatMap((text) => {
    const words = wordsIn(text);
    return words.length > 1 ? [...words, words.join('')] : words;
  });
}

/** Underlyings that people write as several words. */
const COMPOUNDS: ReadonlyMap<string, string> = new Map([
  ['CRUDEOIL', 'crude oil'],
  ['CRUDEOILM', 'crude oil mini'],
  ['NATURALGAS', 'natural gas'],
  ['NATGASMINI', 'natural gas mini'],
]);

function underlyingWords(instrument: Instrument): readonly string[] {
  const underlying = underlyingOf(instrument);
  const [, currency] = /^(USD|EUR|GBP|JPY)INR$/.exec(underlying) ?? [];
  return wordsIn(currency === undefined ? (COMPOUNDS.get(underlying) ?? '') : `${currency} inr`);
}

/** Day, month, year and strike, each as it may be written: a symbol runs them together, and a weekly one writes `D` for December. */
function contractWords({ expiry, strike }: Instrument): readonly string[] {
  const [year = '', month = '', day = ''] = expiry?.split('-') ?? [];
  const date =
    expiry === undefined
      ? []
      : [year, year.slice(2), MONTHS[Number(month) - 1] ?? '', day, String(Number(day))];
  return strike === undefined ? date : [...date, String(strike)];
}
