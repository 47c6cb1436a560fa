import { LRUCache } from 'lru-cache';
import { atMost } from '../core/at-most.ts';

/** A bounded cache whose entries have owners, so that one owner's can be dropped without touching the rest. */
export interface ScopedCache<V> {
  get(owner: string, key: string): V | undefined;
  set(owner: string, key: string, value: V): void;
  delete(owner: string, key: string): void;
  /** Drops what belongs to one owner, in constant time where all of it does; returns how many entries that were. */
  clearOwner(owner: string): number;
  /** Drops everything, in constant time; returns how many entries that were. */
  clear(): number;
  readonly size: number;
  /**
   * How often something was cleared. A read for the cache that finds this changed meanwhile may have
   * read what the clearing was about: it is not to be set.
   */
  readonly clearings: number;
  /** How often `get` found something, and how often not, since the start. */
  readonly lookups: CacheLookups;
}

export interface CacheLookups {
  readonly hits: number;
  readonly misses: number;
}

export interface ScopedCacheOptions {
  readonly maximum: number;
  /** Milliseconds that an entry set now may live; half-open: at the instant of its end it is gone. */
  readonly lifetimeMs: () => number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * LRU with a side index by owner. `clear` swaps both for new ones instead of emptying them: emptying an lru-cache
 * of 100,000 entries with lifetimes stalls the event loop for 132 ms. For the same reason the bound is given as
 * `maxSize`, because `max` allocates for the maximum at once.
 */
export function createScopedCache<V extends object>(options: ScopedCacheOptions): ScopedCache<V> {
  let store = createStore<V>(options);
  let clearings = 0;
  const lookups = { hits: 0, misses: 0 };

  function clear(): number {
    const count = store.entries.size;
    clearings += 1;
    store = createStore<V>(options);
    return count;
  }

  return {
    get(owner, key) {
      const entry = store.entries.get(join(owner, key));
      lookups[entry === undefined ? 'misses' : 'hits'] += 1;
      return entry?.value;
    },
    set(owner, key, value) {
      const id = join(owner, key);
      // lru-cache serves an entry for as long as its ttl and that instant too; ours are over at the instant.
      const ttl = Math.ceil(options.lifetimeMs()) - 1;
      if (ttl <= 0) return void store.entries.delete(id);
      store.entries.set(id, { owner, value }, { ttl });
      const ids = store.byOwner.get(owner);
      if (ids === undefined) store.byOwner.set(owner, new Set([id]));
      else ids.add(id);
    },
    delete: (owner, key) => {
      store.entries.delete(join(owner, key));
    },
    clearOwner(owner) {
      clearings += 1;
      const ids = store.byOwner.get(owner);
      if (ids === undefined) return 0;
      const count = ids.size;
      if (count === store.entries.size) return clear();
      for (const id of [...ids]) store.entries.delete(id);
      store.byOwner.delete(owner);
      return count;
    },
    clear,
    get size() {
      return store.entries.size;
    },
    get clearings() {
      return clearings;
    },
    lookups,
  };
}

interface Entry<V> {
  readonly owner: string;
  readonly value: V;
}

function createStore<V extends object>({ maximum, now }: ScopedCacheOptions) {
  const byOwner = new Map<string, Set<string>>();
  const entries = new LRUCache<string, Entry<V>>({
    ...atMost(maximum),
    ttlResolution: 0,
    perf: { now },
    dispose: (entry, id, why) => {
      if (why === 'set') return;
      const ids = byOwner.get(entry.owner);
      if (ids === undefined) return;
      ids.delete(id);
      if (ids.size === 0) byOwner.delete(entry.owner);
    },
  });
  return { entries, byOwner };
}

/** U+0000 cannot occur in an owner's id, so no two pairs make the same key. */
function join(owner: string, key: string): string {
  return `${owner}\u0000${key}`;
}
