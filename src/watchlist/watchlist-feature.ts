import { Router } from 'express';
import type { Log } from '../core/log.ts';
import type { Feature } from '../http/feature.ts';
import { methods } from '../http/methods.ts';
import type { RoutePolicy } from '../http/route-policy.ts';
import type { CurrentSession } from '../sessions/current-session.ts';
import type { Database } from '../storage/database.ts';
import { createWatchlistPage, type WatchlistPageDeps } from './watchlist-page.ts';
import { createWatchlistStore, type SeenPrice } from './watchlist-store.ts';
import { toWatchedView, type WatchedView } from './watchlist-view.ts';

export interface WatchlistFeatureDeps extends Omit<WatchlistPageDeps, 'watched'> {
  readonly database: Database;
  readonly log: Log;
  /** Looks at prices for a while, with the session that asks; calls back with what was seen. */
  readonly glance: (
    session: CurrentSession,
    symbols: readonly string[],
    onSeen: (prices: ReadonlyMap<string, SeenPrice>) => Promise<void>,
  ) => void;
}

export interface WatchlistFeature extends Feature {
  /** For the dashboard: what a user watches with the last prices known, and newer ones from then on. */
  show(session: CurrentSession): Promise<readonly WatchedView[]>;
}

export const WATCHLIST_ROUTES: readonly RoutePolicy[] = [
  { path: '/watchlist' },
  { path: '/watchlist/removal' },
];

export function createWatchlistFeature(deps: WatchlistFeatureDeps): WatchlistFeature {
  const { database, glance } = deps;
  const watched = createWatchlistStore(database);
  const page = createWatchlistPage({ ...deps, watched });
  const router = Router({ caseSensitive: true });
  methods(router, '/watchlist', { get: page.show, post: page.add });
  methods(router, '/watchlist/removal', { post: page.remove });

  return {
    router,
    async show(session) {
      const { userId } = session;
      const own = await watched.list(userId);
      const symbols = own.map(({ symbol }) => symbol);
      if (own.length > 0) glance(session, symbols, (prices) => watched.savePrices(userId, prices));
      return own.map(toWatchedView);
    },
  };
}
