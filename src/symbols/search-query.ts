import { MOST_SYMBOL_WORDS, type SymbolSearch } from '../core/symbol.ts';
import {
  exchangeMark,
  isNoise,
  nameKey,
  nameMark,
  signMark,
  signsIn,
  typeMark,
  wordsIn,
} from './search-words.ts';

/** A word that an instrument must have: itself, or one that begins with it. */
export interface Term {
  readonly text: string;
  readonly prefix: boolean;
}

/** Holds when all terms of one of the alternatives do. */
export type Condition = readonly (readonly Term[])[];

/** A search as every index understands it. */
export interface SearchPlan {
  /** All must hold. */
  readonly conditions: readonly Condition[];
  /** Must stand in the `literalText` of an instrument. */
  readonly literals: readonly string[];
  /** The first results: instruments of this very name. Undefined where nothing is named. */
  readonly exact: ExactName | undefined;
  /** Words that the search ignored, because it had enough without them. */
  readonly ignoredWords: readonly string[];
}

export interface ExactName {
  /** Trading symbols in capitals: as typed, as TradingView means it, and without blanks. */
  readonly symbols: readonly string[];
  /** In capitals: `NSE` of `NSE:INFY`. */
  readonly exchange: string | undefined;
  /** Hold for what has the name besides its symbol: a company, an index, a token, an ISIN. */
  readonly conditions: readonly Condition[];
}

type Filters = Pick<SymbolSearch, 'q' | 'exchange' | 'type'>;

/** Each letter that stands alone is the beginning of a large part of all words. */
const MOST_LETTERS = 2;
/** Of one text: the rest of them is in the literal. */
const MOST_SIGNS = 3;

/**
 * Takes a search apart. Letters count as the beginning of a word; digits as a whole number, but for the last word, which
 * may still be being typed: so `24 dec` is not the strike 24000. A word of both may be a trading symbol or words
 * written together. Signs have no meaning, they must be there. Undefined when nothing can be found: signs alone.
 *
 * The cost of a search is bounded here: a word counts once, a beginning of another word not at all, and
 * behind `MOST_SYMBOL_WORDS` words (a word of letters and digits counts as its parts), what comes is ignored.
 */
export function planSearch({ q, exchange, type }: Filters): SearchPlan | undefined {
  const texts = joinCompounds(q.toLowerCase())
    .split(/\s+/)
    .filter((text) => text !== '');
  const conditions: Condition[] = [];
  const literals: string[] = [];
  const ignoredWords: string[] = [];
  const room = { words: MOST_SYMBOL_WORDS, letters: MOST_LETTERS };

  for (const text of new Set(texts)) {
    const { marks, rest } = splitExchange(text);
    // A word that stands further in front as well has been typed to its end.
    const last = texts.indexOf(text) === texts.length - 1;
    const reading = readText(rest, { last, mostWords: Math.max(1, room.words) });
    const letters = /^[a-z]$/.test(rest) ? 1 : 0;
    if (room.words < reading.words || room.letters < letters) {
      ignoredWords.push(text);
      continue;
    }
    room.words -= reading.words;
    room.letters -= letters;
    conditions.push(...marks, ...reading.conditions);
    if (reading.literal !== undefined) literals.push(reading.literal);
  }
  if (texts.length > 0 && conditions.length === 0) return undefined;

  if (exchange !== undefined) conditions.push(mark(exchangeMark(exchange)));
  if (type !== undefined) conditions.push(mark(typeMark(type)));
  return {
    conditions: withoutImplied(conditions),
    literals,
    exact: readExact(q, exchange, type),
    ignoredWords,
  };
}

function readExact(q: string, exchange: string | undefined, type: string | undefined): ExactName | undefined {
  const text = q.trim().toUpperCase();
  if (text === '') return undefined;
  const [, place, name = text] = /^([A-Z]{2,12}):\s*(.+)$/.exec(text) ?? [];
  const filters = [place, exchange].filter((each) => each !== undefined).map(exchangeMark);
  return {
    symbols: symbolSpellings(name),
    exchange: place,
    conditions:
      nameKey(name) === '' || !/^[\w\s&.|-]+$/.test(name)
        ? []
        : [nameMark(name), ...filters, ...(type === undefined ? [] : [typeMark(type)])].map(mark),
  };
}

/** Conditions for every instrument that has a name besides its symbol on an exchange. */
export function namedOn(exchange: string, name: string): readonly Condition[] {
  return nameKey(name) === '' ? [] : [mark(nameMark(name)), mark(exchangeMark(exchange))];
}

/** TradingView writes `BAJAJ_AUTO` and `M_M`, and people `hdfc bank`. */
const symbolSpellings = (symbol: string): readonly string[] => [
  ...new Set([
    symbol,
    symbol.replaceAll('_', '&'),
    symbol.replaceAll('_', '-'),
    // `nifty 24 dec fut` may be any day or year; words alone run together in one way only.
    /\d/.test(symbol) ? symbol : symbol.replaceAll(/\s/g, ''),
  ]),
];

/** Joins names that brokers write as one word and people as two. The words alone would find all of NIFTY as well. */
function joinCompounds(q: string): string {
  return q
    .replaceAll(/\bbank\s+nifty\b/g, 'banknifty')
    .replaceAll(/\bfin\s+nifty\b/g, 'finnifty')
    .replaceAll(/\bmidcap\s+nifty\b/g, 'midcpnifty');
}

/** Without what holds wherever another condition does: `n` beside `nifty`, and what came twice. */
function withoutImplied(conditions: readonly Condition[]): readonly Condition[] {
  const terms = conditions.map(onlyTerm);
  return conditions.filter((_condition, index) => {
    const term = terms[index];
    return (
      term === undefined ||
      !terms.some(
        (other, place) => other !== undefined && place !== index && implies(other, term, place < index),
      )
    );
  });
}

const onlyTerm = ([first, ...others]: Condition): Term | undefined =>
  others.length === 0 && first?.length === 1 ? first[0] : undefined;

function implies(one: Term, other: Term, isFirst: boolean): boolean {
  if (one.text === other.text && one.prefix === other.prefix) return isFirst;
  return other.prefix ? one.text.startsWith(other.text) : one.text === other.text && !one.prefix;
}

/** `NSE:INFY`, as many programs name an instrument, is the word `INFY` on the exchange NSE. */
function splitExchange(text: string): { readonly marks: readonly Condition[]; readonly rest: string } {
  const [, exchange, rest] = /^([a-z]{2,12}):(.+)$/.exec(text) ?? [];
  if (exchange === undefined || rest === undefined) return { marks: [], rest: text };
  return { marks: [mark(exchangeMark(exchange))], rest };
}

interface TextReading {
  readonly conditions: readonly Condition[];
  readonly literal?: string;
  /** How many words it counts as. */
  readonly words: number;
}

interface TextOptions {
  /** It may still be being typed. */
  readonly last: boolean;
  /** Of a text with signs in it the literal says the rest. */
  readonly mostWords: number;
}

function readText(text: string, { last, mostWords }: TextOptions): TextReading {
  const words = wordsIn(text);
  const signs = signsIn(text).filter((sign) => sign !== '.' || !words.includes(text));
  const marks = signs.slice(0, MOST_SIGNS).map((sign) => mark(signMark(sign)));
  if (words.length === 0) return { conditions: marks, literal: text, words: 1 };
  const [only] = words;
  if (words.length === 1 && only !== undefined) {
    const word = isNoise(only) ? undefined : readWord(only, last);
    const conditions = word === undefined ? marks : [word.condition, ...marks];
    return { conditions, words: word?.words ?? 0, ...(signs.length === 0 ? {} : { literal: text }) };
  }
  // In front of a sign a word is complete: `m&m` begins with the word `m`.
  const complete = [...new Set(words.slice(0, -1))].slice(0, mostWords - 1).map(whole);
  const end = readWord(words.at(-1) ?? '', last);
  const ofEnd = complete.length + end.words > mostWords ? [] : [end.condition];
  const conditions = [...complete, ...ofEnd];
  return {
    conditions: [...conditions, ...marks],
    literal: text,
    words: Math.max(1, complete.length + (ofEnd.length === 0 ? 0 : end.words)),
  };
}

/** Of letters and digits by turns: what is longer than any trading symbol is one word. */
const MOST_PARTS = 6;

function readWord(word: string, last: boolean): { readonly condition: Condition; readonly words: number } {
  const parts = word.match(/[a-z]+|[0-9.]+/g) ?? [];
  if (parts.length === 1) return { condition: [[{ text: word, prefix: last || isLetters(word) }]], words: 1 };
  const asOne: readonly Term[] = [{ text: word, prefix: true }];
  if (parts.length > MOST_PARTS) return { condition: [asOne], words: 1 };
  const together = parts.map((part, index) => ({
    text: part,
    prefix: isLetters(part) || (last && index === parts.length - 1),
  }));
  return { condition: [asOne, together], words: parts.length };
}

const isLetters = (text: string): boolean => /^[a-z]+$/.test(text);

const whole = (text: string): Condition => [[{ text, prefix: false }]];

const mark = whole;
