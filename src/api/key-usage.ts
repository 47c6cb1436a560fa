import { SECOND_MS } from '../core/duration.ts';
import type { Log } from '../core/log.ts';
import { createPoller, type Poller } from '../core/poller.ts';
import type { ApiKeyStore, KeyUse } from './api-key-store.ts';

/** When and from where keys were last used: remembered for some seconds, and then written for all keys at once. */
export interface KeyUsage extends Pick<Poller, 'start' | 'stop'> {
  note(use: KeyUse): void;
  /** Rejects when it could not be written; nothing is forgotten then. */
  flush(): Promise<void>;
}

export interface KeyUsageDeps {
  readonly store: Pick<ApiKeyStore, 'noteUses'>;
  readonly log: Log;
}

const WRITE_EVERY_MS = 5 * SECOND_MS;

export function createKeyUsage({ store, log }: KeyUsageDeps): KeyUsage {
  let uses = new Map<string, KeyUse>();
  const poller = createPoller({ intervalMs: WRITE_EVERY_MS, work: flush, onError });

  async function flush(): Promise<void> {
    if (uses.size === 0) return;
    const writing = uses;
    uses = new Map();
    try {
      await store.noteUses([...writing.values()]);
    } catch (error) {
      uses = new Map([...writing, ...uses]);
      throw error;
    }
  }

  function onError(error: unknown): void {
    log.warn({ err: error }, 'When API keys were last used could not be written and is tried again');
  }

  return {
    note: (use) => void uses.set(use.id, use),
    flush,
    start: poller.start,
    async stop() {
      await poller.stop();
      await flush().catch(onError);
    },
  };
}
