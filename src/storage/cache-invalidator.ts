import type { CacheName } from '../core/cached-values.ts';
import type { Log } from '../core/log.ts';
import type { Bus } from './bus.ts';
import type { Caches } from './caches.ts';

export interface CacheInvalidatorDeps {
  readonly caches: Caches;
  readonly bus: Pick<Bus, 'publish'>;
  readonly log: Log;
}

/** Drops one owner's entries of one cache, here and on every other node. Never rejects. */
export type InvalidateCached = (cache: CacheName, owner: string) => Promise<void>;

/**
 * To be called after the commit of a change to what a cache holds. A bus that cannot carry the message
 * has lost its connection, and then the other nodes drop what they have when they notice the gap.
 */
export function createCacheInvalidator({ caches, bus, log }: CacheInvalidatorDeps): InvalidateCached {
  return async function invalidateCached(cache, owner) {
    caches.of[cache].clearOwner(owner);
    try {
      await bus.publish({ kind: 'caches.clear_owner', cache, owner });
    } catch (error) {
      log.warn({ err: error, cache }, 'Other nodes could not be told to forget what they have cached');
    }
  };
}
