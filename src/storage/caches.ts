import type { CachedValues, CacheName } from '../core/cached-values.ts';
import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import { DAY_MS } from '../core/duration.ts';
import { createScopedCache, type ScopedCache } from './scoped-cache.ts';

/** The six caches. A shared one has no owner: it is cleared whole, the others by their owner. */
export const CACHES = {
  auth: { maximum: 20_000, shared: false },
  feed: { maximum: 20_000, shared: false },
  symbol: { maximum: 200_000, shared: true },
  settings: { maximum: 20_000, shared: false },
  strategy: { maximum: 50_000, shared: false },
  telegram: { maximum: 20_000, shared: false },
} as const satisfies Record<CacheName, { maximum: number; shared: boolean }>;

export const CACHE_NAMES = Object.keys(CACHES) as readonly CacheName[];

/** The owner under which a shared cache keeps its entries. */
export const SHARED = '*';

export type CacheClearance = Readonly<Record<CacheName, number>>;

export interface Caches {
  readonly of: { readonly [Name in CacheName]: ScopedCache<CachedValues[Name]> };
  /** Drops one user's entries and, unless they are kept, the shared caches; returns how many entries each one lost. */
  clearUser(userId: string, options?: { readonly keepShared: boolean }): CacheClearance;
  clearAll(): CacheClearance;
  /** Hears whose entries were dropped, undefined for all users: for what else must end with what they were let in by. */
  onClear(listener: (userId: string | undefined) => void): void;
  sizes(): CacheClearance;
}

/** No entry outlives the cutoff that is next when it is set, nor a day where there is no cutoff. */
export function createCaches({ clock, calendar }: { clock: Clock; calendar: CutoffCalendar }): Caches {
  const now = () => clock.now();
  const lifetimeMs = () => Math.min(DAY_MS, calendar.next() - clock.now());
  const create = <Name extends CacheName>(name: Name): ScopedCache<CachedValues[Name]> =>
    createScopedCache<CachedValues[Name]>({ maximum: CACHES[name].maximum, lifetimeMs, now });

  const of = {
    auth: create('auth'),
    feed: create('feed'),
    symbol: create('symbol'),
    settings: create('settings'),
    strategy: create('strategy'),
    telegram: create('telegram'),
  };

  const listeners: ((userId: string | undefined) => void)[] = [];

  return {
    of,
    clearUser(userId, { keepShared } = { keepShared: false }) {
      const cleared = count((name) => {
        if (!CACHES[name].shared) return of[name].clearOwner(userId);
        return keepShared ? 0 : of[name].clear();
      });
      for (const listener of listeners) listener(userId);
      return cleared;
    },
    clearAll() {
      const cleared = count((name) => of[name].clear());
      for (const listener of listeners) listener(undefined);
      return cleared;
    },
    onClear: (listener) => {
      listeners.push(listener);
    },
    sizes: () => count((name) => of[name].size),
  };
}

function count(each: (name: CacheName) => number): CacheClearance {
  return Object.fromEntries(CACHE_NAMES.map((name) => [name, each(name)])) as Record<CacheName, number>;
}
