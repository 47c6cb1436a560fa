import type { SymbolSearch } from '../core/symbol.ts';
import { exchangeMark, isNoise, signMark, signsIn, typeMark, wordsIn } from './search-words.ts';

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
  /** A trading symbol in capitals: instruments of this very name come first. */
  readonly exactSymbol: string | undefined;
}

type Filters = Pick<SymbolSearch, 'q' | 'exchange' | 'type'>;

/**
 * Takes a search apart. Letters count as the beginning of a word; digits as a whole number, but for the last word, which
 * may still be being typed: so `24 dec` is not the strike 24000. A word of both may be a trading symbol or words
 * written together. Signs have no meaning, they must be there. Undefined when nothing can be found: signs alone.
 */
export function planSearch({ q, exchange, type }: Filters): SearchPlan | undefined {
  const texts = q
    .toLowerCase()
    .split(/\s+/)
    .filter((text) => text !== '');
  const conditions: Condition[] = [];
  const literals: string[] = [];

  texts.forEach((text, index) => {
    const last = index === texts.length - 1;
    const { conditions: ofText, literal } = readText(withoutExchange(text, conditions), last);
    conditions.push(...ofText);
    if (literal !== undefined) literals.push(literal);
  });
  if (texts.length > 0 && conditions.length === 0) return undefined;

  if (exchange !== undefined) conditions.push(mark(exchangeMark(exchange)));
  if (type !== undefined) conditions.push(mark(typeMark(type)));
  return { conditions, literals, exactSymbol: q.trim() === '' ? undefined : q.trim().toUpperCase() };
}

/** `NSE:INFY`, as many programs name an instrument, is the word `INFY` on the exchange NSE. */
function withoutExchange(text: string, conditions: Condition[]): string {
  const match = /^([a-z]{2,12}):(.+)$/.exec(text);
  if (match === null) return text;
  const [, exchange = '', rest = ''] = match;
  conditions.push(mark(exchangeMark(exchange)));
  return rest;
}

function readText(text: string, last: boolean): { conditions: readonly Condition[]; literal?: string } {
  const words = wordsIn(text);
  const signs = signsIn(text).filter((sign) => sign !== '.' || !words.includes(text));
  if (words.length === 0) return { conditions: signs.map((sign) => mark(signMark(sign))), literal: text };
  const conditions = words
    .filter((word) => words.length > 1 || !isNoise(word))
    .map((word, index) =>
      // In front of a sign a word is complete: `m&m` begins with the word `m`.
      index < words.length - 1 ? whole(word) : readWord(word, last),
    );
  if (signs.length === 0) return { conditions };
  return { conditions: [...conditions, ...signs.map((sign) => mark(signMark(sign)))], literal: text };
}

function readWord(word: string, last: boolean): Condition {
  const parts = word.match(/[a-z]+|[0-9.]+/g) ?? [];
  if (parts.length === 1) return [[{ text: word, prefix: last || isLetters(word) }]];
  const together = parts.map((part, index) => ({
    text: part,
    prefix: isLetters(part) || (last && index === parts.length - 1),
  }));
  return [[{ text: word, prefix: true }], together];
}

const isLetters = (text: string): boolean => /^[a-z]+$/.test(text);

const whole = (text: string): Condition => [[{ text, prefix: false }]];

const mark = whole;
