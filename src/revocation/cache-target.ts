import type { RevocationTarget } from '../core/revocation.ts';
import type { Bus } from '../storage/bus.ts';
import { CACHE_NAMES, type CacheClearance, type Caches } from '../storage/caches.ts';

/** Clears the six caches here and asks every other node to do the same. */
export function createCacheTarget(caches: Caches, bus: Bus): RevocationTarget {
  return {
    name: 'caches',
    async revoke({ scope }) {
      // The first request of ten thousand people after a cutoff is to empty nothing that all of them share: the sweep does.
      const keepShared = scope.kind === 'stale' || scope.kind === 'device';
      const cleared =
        scope.kind === 'sweep' ? caches.clearAll() : caches.clearUser(scope.userId, { keepShared });
      await bus.publish(
        scope.kind === 'sweep'
          ? { kind: 'caches.clear_all' }
          : { kind: 'caches.clear_user', userId: scope.userId, keepShared },
      );
      return { count: CACHE_NAMES.reduce((sum, name) => sum + cleared[name], 0), detail: describe(cleared) };
    },
  };
}

/** Each of the six by name, empty ones included: that they are empty is what the receipt is for. */
function describe(cleared: CacheClearance): string {
  return CACHE_NAMES.map((name) => `${name} ${cleared[name]}`).join(', ');
}

/** Does here what other nodes ask for, and drops everything when their messages may have been missed. */
export function listenForCacheClearing(caches: Caches, bus: Bus): void {
  bus.onMessage((message) => {
    if (message.kind === 'caches.clear_user')
      caches.clearUser(message.userId, { keepShared: message.keepShared === true });
    if (message.kind === 'caches.clear_tokens')
      for (const name of ['auth', 'feed'] as const) caches.of[name].clearOwner(message.userId);
    if (message.kind === 'caches.clear_all') caches.clearAll();
    if (message.kind === 'caches.clear_owner') caches.of[message.cache]?.clearOwner(message.owner);
  });
  bus.onGap(() => caches.clearAll());
}
