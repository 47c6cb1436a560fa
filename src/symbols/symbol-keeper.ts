import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../core/clock.ts';
import { SECOND_MS } from '../core/duration.ts';
import type { Log } from '../core/log.ts';
import { createPoller, type Poller } from '../core/poller.ts';
import type { Caches } from '../storage/caches.ts';
import type { ImportStore } from './import-store.ts';
import type { SymbolImporter } from './symbol-importer.ts';
import type { SymbolIndex } from './symbol-index.ts';
import type { SymbolStore } from './symbol-store.ts';

const LOOK_EVERY_MS = 10 * SECOND_MS;
/** Longer than any request that was reading the old master when the new one came. */
const STILL_READ_MS = 30 * SECOND_MS;
const ROWS_AT_ONCE = 1_000;

export interface SymbolKeeperDeps extends MasterWatchDeps, LeftoverRemovalDeps {
  readonly importer: Pick<SymbolImporter, 'giveUpDead' | 'stop'>;
  readonly log: Log;
}

/** Cleans up behind imports: begins when the server starts, and ends what it imports when it closes. */
export interface SymbolKeeper extends Pick<Poller, 'start' | 'stop'> {
  /** One round. */
  tidy(): Promise<void>;
}

export function createSymbolKeeper(deps: SymbolKeeperDeps): SymbolKeeper {
  const { importer, log } = deps;
  const watchMasters = createMasterWatch(deps);
  const removeLeftovers = createLeftoverRemoval(deps);

  async function tidy(): Promise<void> {
    await watchMasters();
    await importer.giveUpDead();
    await removeLeftovers();
  }

  const poller = createPoller({
    intervalMs: LOOK_EVERY_MS,
    work: tidy,
    onError: (err) => log.error({ err }, 'Old symbols could not be removed; it is tried again'),
  });
  return {
    tidy,
    start: poller.start,
    async stop() {
      await importer.stop();
      await poller.stop();
    },
  };
}

interface MasterWatchDeps {
  readonly store: Pick<SymbolStore, 'listMasters'>;
  readonly caches: Caches;
}

/**
 * Drops the cached symbols of this node when another master is in use than at the last look: for the message of an import
 * that was lost on its way.
 */
function createMasterWatch({ store, caches }: MasterWatchDeps): () => Promise<void> {
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

interface LeftoverRemovalDeps {
  readonly imports: Pick<ImportStore, 'listLeftovers' | 'forgetLeftovers'>;
  readonly index: Pick<SymbolIndex, 'discard' | 'removeRange'>;
  readonly clock: Clock;
}

/**
 * Deletes the symbols that are hidden, of replaced masters and of imports that came to nothing: in batches,
 * so that no request has to wait for it. May be stopped at any point, and run on several nodes.
 */
function createLeftoverRemoval({ imports, index, clock }: LeftoverRemovalDeps): () => Promise<void> {
  return async function removeLeftovers() {
    for (const { importId, firstId, lastId } of await imports.listLeftovers(clock.now() - STILL_READ_MS)) {
      await index.discard(firstId);
      for (let first = firstId; first <= lastId; first += ROWS_AT_ONCE) {
        const last = Math.min(first + ROWS_AT_ONCE - 1, lastId);
        await index.removeRange(first, last);
        await imports.forgetLeftovers(importId, last);
        await nextTurn();
      }
    }
  };
}
