import type { RequestHandler, Response } from 'express';
import { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import {
  type Instrument,
  LONGEST_SYMBOL_SEARCH,
  type SymbolFinder,
  type SymbolLookup,
} from '../core/symbol.ts';
import { requireForm } from '../http/form.ts';
import { renderPage } from '../http/page.ts';
import { type Notices, noticeOf, queryText } from '../http/query-text.ts';
import { currentSession } from '../sessions/current-session.ts';
import { MOST_WATCHED, type WatchlistStore } from './watchlist-store.ts';
import { toWatchedView } from './watchlist-view.ts';

export interface WatchlistPageDeps {
  readonly watched: WatchlistStore;
  readonly search: SymbolFinder['search'];
  readonly findInstruments: SymbolLookup['find'];
  readonly hasInstruments: () => Promise<boolean>;
  readonly clock: Clock;
}

export interface WatchlistPage {
  readonly show: RequestHandler;
  readonly add: RequestHandler;
  readonly remove: RequestHandler;
}

const FOUND = 20;

const NOTICES: Notices = new Map([
  ['added', 'The symbol is on your dashboard.'],
  ['removed', 'The symbol is not watched any more.'],
]);
const PROBLEMS: Notices = new Map([
  ['full', `You can watch ${MOST_WATCHED} symbols. Remove one first.`],
  ['unknown', 'No imported list has that symbol. Search for it.'],
  ['ambiguous', 'Several instruments have that name. Search for it and choose one.'],
]);

const symbolForm = z.object({
  symbol: z
    .string()
    .trim()
    .toUpperCase()
    .max(121)
    .regex(/^[A-Z0-9_]{1,20}:[^:\p{C}]{1,100}$/u, 'Enter EXCHANGE:SYMBOL, for example NSE:INFY.'),
});

/** Which symbols a user watches: found by searching, without a script. */
export function createWatchlistPage(deps: WatchlistPageDeps): WatchlistPage {
  const { watched, search, findInstruments, hasInstruments, clock } = deps;

  async function whyNot(symbol: string): Promise<'unknown' | 'ambiguous' | undefined> {
    const [exchange = '', name = ''] = symbol.split(':', 2);
    const found = await findInstruments(exchange, name);
    const ofFirst = found.filter(({ broker }) => broker === found[0]?.broker);
    if (ofFirst.length > 1) return 'ambiguous';
    return ofFirst.length === 1 || !(await hasInstruments()) ? undefined : 'unknown';
  }

  return {
    async show(req, res) {
      const { userId } = currentSession(req);
      const q = queryText(req, 'q', LONGEST_SYMBOL_SEARCH);
      const own = await watched.list(userId);
      const found = q === '' ? undefined : (await search({ q, limit: FOUND, page: 1 })).items;
      const names = new Set(own.map(({ symbol }) => symbol));
      renderPage(req, res, 'watchlist/index', {
        title: 'Watched symbols',
        watched: own.map(toWatchedView),
        most: MOST_WATCHED,
        q,
        results: found === undefined ? undefined : toResults(found, names),
        notice: noticeOf(req, NOTICES),
        problem: noticeOf(req, PROBLEMS),
      });
    },

    async add(req, res) {
      const { symbol } = requireForm(symbolForm, req);
      const problem = await whyNot(symbol);
      if (problem !== undefined) return goOn(res, problem);
      goOn(res, await watched.add(currentSession(req).userId, symbol, clock.now()));
    },

    async remove(req, res) {
      const { symbol } = requireForm(symbolForm, req);
      await watched.remove(currentSession(req).userId, symbol);
      goOn(res, 'removed');
    },
  };
}

/** An instrument in several brokers' lists is one result. */
function toResults(found: readonly Instrument[], watched: ReadonlySet<string>) {
  const bySymbol = Map.groupBy(found, ({ exchange, tradingSymbol }) =>
    `${exchange}:${tradingSymbol}`.toUpperCase(),
  );
  return [...bySymbol].map(([symbol, [first]]) => ({
    symbol,
    name: first?.displayName || first?.name,
    isWatched: watched.has(symbol),
  }));
}

function goOn(res: Response, notice: string): void {
  res.redirect(303, `/watchlist?notice=${notice}`);
}
