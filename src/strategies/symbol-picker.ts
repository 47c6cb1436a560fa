import { type Instrument, LONGEST_SYMBOL_SEARCH, type SymbolFinder, spellAmong } from '../core/symbol.ts';

/** An instrument that a strategy's form offers. */
export interface SymbolChoice {
  /** As the form takes it: `NSE:SBIN`. */
  readonly name: string;
  /** Further facts: `STATE BANK OF INDIA, lot 1`. */
  readonly text: string;
  readonly lotSize: number;
}

export type FindSymbolChoices = (text: string) => Promise<readonly SymbolChoice[]>;

const MOST_CHOICES = 10;

/** Looks instruments up by the beginnings of words, in all lists that were imported; each name once. */
export function createSymbolPicker(search: SymbolFinder['search']): FindSymbolChoices {
  return async function findSymbolChoices(text) {
    const q = text.trim().slice(0, LONGEST_SYMBOL_SEARCH);
    if (q === '') return [];
    const { items } = await search({ q, limit: MOST_CHOICES, page: 1 });
    const plain = ({ exchange, tradingSymbol }: Instrument): string => `${exchange}:${tradingSymbol}`;
    // Weekly options share a trading symbol at one broker: only another name of theirs means one of them.
    const spell = (instrument: Instrument): string => {
      const same = items.filter(
        (each) => each.broker === instrument.broker && plain(each) === plain(instrument),
      );
      return same.length === 1 ? plain(instrument) : spellAmong(same)(instrument);
    };
    const choices = items.map((instrument): SymbolChoice => {
      const { name, expiry, lotSize } = instrument;
      const facts = [name, expiry, `lot ${lotSize}`];
      return {
        name: spell(instrument),
        text: facts.filter((fact) => fact !== undefined && fact !== '').join(', '),
        lotSize,
      };
    });
    return [...new Map(choices.map((choice) => [choice.name, choice])).values()];
  };
}
