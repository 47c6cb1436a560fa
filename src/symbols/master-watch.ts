import type { Caches } from '../storage/caches.ts';
import type { SymbolStore } from './symbol-store.ts';

export interface MasterWatchDeps {
  readonly store: Pick<SymbolStore, 'listMasters'>;
  readonly caches: Caches;
}

/**
 * Drops the cached symbols of this node when another master is in use than at the last look: for the message of an import
 * that was lost on its way.
 */
export function createMasterWatch({ store, caches }: MasterWatchDeps): () => Promise<void> {
  let known: string | undefined;
  return async function watchMasters() {
    const masters = await store.listMasters();
    const inUse = masters
      .map(({ importId }) => importId)
      .sort()
      .join();
    if (known !== undefined && known !== inUse) caches.of.symbol.clear();
    known = inUse;
  };
}
