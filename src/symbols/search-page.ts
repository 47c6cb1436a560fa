import type { Request, RequestHandler } from 'express';
import {
  type Instrument,
  LAST_SYMBOL_PAGE,
  LONGEST_SYMBOL_SEARCH,
  MOST_SYMBOL_WORDS,
  MOST_SYMBOLS_FOUND,
  type SymbolFinder,
} from '../core/symbol.ts';
import { renderPage } from '../http/page.ts';
import { toMasterView } from './import-view.ts';
import { pickMasters } from './symbol-finder.ts';
import type { Master, SymbolStore } from './symbol-store.ts';

export interface SearchPageDeps {
  readonly search: SymbolFinder['search'];
  readonly listMasters: SymbolStore['listMasters'];
}

const ON_A_PAGE = 50;

interface Asked {
  readonly q: string;
  readonly exchange: string | undefined;
  readonly type: string | undefined;
  readonly broker: string | undefined;
  readonly page: number;
}

/** GET /symbols. Filters that the master knows nothing of count as none. */
export function createSearchPage({ search, listMasters }: SearchPageDeps): RequestHandler {
  return async function showSymbols(req, res) {
    const masters = await listMasters();
    const broker = oneOf(
      masters.map((master) => master.broker),
      textOf(req, 'broker'),
    );
    const searched = pickMasters(masters, broker);
    const asked = readQuestion(req, searched, broker);
    const tooLong = asked.q.length > LONGEST_SYMBOL_SEARCH;
    const { items, nextPage, ignoredWords } = tooLong
      ? { items: [], nextPage: undefined, ignoredWords: [] }
      : await search({ ...asked, limit: ON_A_PAGE });
    const first = (asked.page - 1) * ON_A_PAGE;
    renderPage(req, res, 'symbols/index', {
      title: asked.q.trim() === '' ? 'Symbols' : `${asked.q.trim()}: symbols`,
      asked,
      problem: tooLong ? `Search for at most ${LONGEST_SYMBOL_SEARCH} characters.` : undefined,
      masters: pickMasters(masters, undefined).map(toMasterView),
      searched: searched.map(toMasterView),
      exchanges: unionOf(searched.map(({ exchanges }) => exchanges)),
      types: unionOf(searched.map(({ types }) => types)),
      rows: items.map(toRow),
      ignoredWords,
      mostWords: MOST_SYMBOL_WORDS,
      range: { first: first + 1, last: first + items.length },
      cut: nextPage === undefined && first + items.length === MOST_SYMBOLS_FOUND,
      previousHref: asked.page > 1 ? hrefOf({ ...asked, page: asked.page - 1 }) : undefined,
      nextHref: nextPage === undefined ? undefined : hrefOf({ ...asked, page: nextPage }),
    });
  };
}

const unionOf = (lists: readonly (readonly string[])[]): readonly string[] =>
  [...new Set(lists.flat())].sort();

function readQuestion(req: Request, searched: readonly Master[], broker: string | undefined): Asked {
  const page = Number(textOf(req, 'page'));
  return {
    q: textOf(req, 'q'),
    exchange: oneOf(
      searched.flatMap(({ exchanges }) => exchanges),
      textOf(req, 'exchange'),
    ),
    type: oneOf(
      searched.flatMap(({ types }) => types),
      textOf(req, 'type'),
    ),
    broker,
    page: Number.isInteger(page) && page >= 1 && page <= LAST_SYMBOL_PAGE ? page : 1,
  };
}

function textOf(req: Request, name: string): string {
  const value: unknown = req.query[name];
  return typeof value === 'string' ? value : '';
}

const oneOf = (known: readonly string[], text: string): string | undefined =>
  known.find((each) => each.toUpperCase() === text.toUpperCase());

function hrefOf(asked: Asked): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(asked))
    if (value !== undefined && value !== '') query.set(name, String(value));
  return `/symbols?${query}`;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

const TYPE_WORDS: Readonly<Record<string, string>> = {
  EQ: 'Share',
  FUND: 'Fund',
  BOND: 'Bond',
  PREF: 'Preference share',
  WARRANT: 'Warrant',
  RIGHTS: 'Rights',
  FUT: 'Future',
  CE: 'Call',
  PE: 'Put',
  INDEX: 'Index',
};

function toRow(instrument: Instrument) {
  const { expiry, strike, instrumentType, lotSize, tickSize, ...rest } = instrument;
  const [year, month, day] = expiry?.split('-') ?? [];
  return {
    ...rest,
    expiry,
    expiryText: expiry === undefined ? undefined : `${Number(day)} ${MONTHS[Number(month) - 1]} ${year}`,
    strike: strike?.toLocaleString('en-IN'),
    instrumentType,
    typeText: TYPE_WORDS[instrumentType],
    // An index cannot be bought.
    lotSize: lotSize === 0 ? undefined : lotSize.toLocaleString('en-IN'),
    tickSize: tickSize === 0 ? undefined : String(tickSize),
  };
}
