import { setImmediate as nextTurn } from 'node:timers/promises';
import type { SessionLifecycle } from './lifecycle.ts';
import { readSessionId } from './session-id.ts';
import type { SessionRegistry } from './session-storage.ts';

/** Ends sessions that were not used for the idle limit, without waiting for a request. */
export interface IdleWatch {
  /** Ends what is idle now; returns how many sessions that were. */
  run(): Promise<number>;
}

const BATCH = 200;

export function createIdleWatch(registry: SessionRegistry, lifecycle: SessionLifecycle): IdleWatch {
  async function end(sid: string): Promise<void> {
    const facts = readSessionId(sid);
    if (facts.kind === 'signed_in') await lifecycle.endOnce(facts.userId, sid, 'idle');
    // SQLite answers without a pause: requests must get their turn in between.
    await nextTurn();
  }

  return {
    async run() {
      const seen = new Set<string>();
      for (;;) {
        const idle = await registry.findIdle(BATCH);
        const fresh = idle.filter((sid) => !seen.has(sid));
        for (const sid of fresh) {
          seen.add(sid);
          await end(sid);
        }
        // Failed ends are pending revocations; looking at them again and again would end nothing.
        if (idle.length < BATCH || fresh.length === 0) return seen.size;
      }
    },
  };
}
