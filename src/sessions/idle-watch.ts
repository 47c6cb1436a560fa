import type { SessionLifecycle } from './lifecycle.ts';
import { readSessionId } from './session-id.ts';
import type { SessionRegistry } from './session-storage.ts';

/** Ends sessions that nobody used for the idle limit, without waiting for a request. */
export interface IdleWatch {
  /** Ends what is idle now; returns how many sessions that were. */
  run(): Promise<number>;
}

const PORTION = 200;

export function createIdleWatch(registry: SessionRegistry, lifecycle: SessionLifecycle): IdleWatch {
  async function end(sid: string): Promise<void> {
    const facts = readSessionId(sid);
    if (facts.kind === 'signed_in') await lifecycle.endIdle(facts.userId, sid);
  }

  return {
    async run() {
      // What could not be ended is found again: once a round is enough, its order is stored and tried by the outbox.
      const tried = new Set<string>();
      for (;;) {
        const found = await registry.findIdle(PORTION);
        const fresh = found.filter((sid) => !tried.has(sid));
        for (const sid of fresh) {
          tried.add(sid);
          await end(sid);
        }
        if (fresh.length === 0) return tried.size;
      }
    },
  };
}
