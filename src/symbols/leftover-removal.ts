import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../core/clock.ts';
import { SECOND_MS } from '../core/duration.ts';
import type { ImportStore } from './import-store.ts';
import type { SymbolIndex } from './symbol-index.ts';

/** Longer than any request that was reading the old master when the new one came. */
const STILL_READ_MS = 30 * SECOND_MS;
const ROWS_AT_ONCE = 1_000;

export interface LeftoverRemovalDeps {
  readonly imports: Pick<ImportStore, 'listLeftovers' | 'forgetLeftovers'>;
  readonly index: Pick<SymbolIndex, 'discard' | 'removeRange'>;
  readonly clock: Clock;
}

/**
 * Deletes the symbols that are hidden, of replaced masters and of imports that came to nothing: in batches,
 * so that no request has to wait for it. May be stopped at any point, and run on several nodes.
 */
export function createLeftoverRemoval({ imports, index, clock }: LeftoverRemovalDeps): () => Promise<void> {
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
