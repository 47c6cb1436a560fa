import type { Instrument } from '../core/symbol.ts';

const MONTHS = 'january february march april may june july august september october november december'.split(
  ' ',
);

/** What people call the types. */
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
 * them stand marks, which begin with a letter and a dot and so can be nobody's word: for filters, and for signs that
 * a search may contain.
 */
export function wordsOf(instrument: Instrument): readonly string[] {
  const { tradingSymbol, name, exchange, instrumentType } = instrument;
  const signs = signsIn(literalText(instrument));
  return [
    ...new Set([
      ...spellingsOf(tradingSymbol),
      ...wordsIn(name).filter((word) => !isNoise(word)),
      ...wordsIn(exchange),
      ...wordsIn(instrumentType),
      ...(TYPE_WORDS[instrumentType] ?? []),
      ...contractWords(instrument),
      exchangeMark(exchange),
      typeMark(instrumentType),
      ...signs.map(signMark),
    ]),
  ];
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
export function literalText({ tradingSymbol, name }: Pick<Instrument, 'tradingSymbol' | 'name'>): string {
  return `${tradingSymbol} ${name}`.toLowerCase();
}

export const exchangeMark = (exchange: string): string => `e.${spelledOut(exchange)}`;
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

/** Day, month, year and strike, each as it may be written: a symbol runs them together, and a weekly one writes `D` for December. */
function contractWords({ expiry, strike }: Instrument): readonly string[] {
  const [year = '', month = '', day = ''] = expiry?.split('-') ?? [];
  const date =
    expiry === undefined
      ? []
      : [year, year.slice(2), MONTHS[Number(month) - 1] ?? '', day, String(Number(day))];
  return strike === undefined ? date : [...date, String(strike)];
}
