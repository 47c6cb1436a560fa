import { SECOND_MS } from '../core/duration.ts';
import type { Log } from '../core/log.ts';
import { createPoller, type Poller } from '../core/poller.ts';
import type { SymbolImporter } from './symbol-importer.ts';

const LOOK_EVERY_MS = 10 * SECOND_MS;

export interface SymbolKeeperDeps {
  readonly importer: Pick<SymbolImporter, 'giveUpDead' | 'stop'>;
  readonly watchMasters: () => Promise<void>;
  readonly removeLeftovers: () => Promise<void>;
  readonly log: Log;
}

/** Cleans up behind imports: begins when the server starts, and ends what it imports when it closes. */
export interface SymbolKeeper extends Pick<Poller, 'start' | 'stop'> {
  /** One round. */
  tidy(): Promise<void>;
}

export function createSymbolKeeper({
  importer,
  watchMasters,
  removeLeftovers,
  log,
}: SymbolKeeperDeps): SymbolKeeper {
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
