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
  async function runPortion(): Promise<number> {
    const sids = await registry.findIdle(PORTION);
    for (const sid of sids) {
      const facts = readSessionId(sid);
      if (facts.kind === 'signed_in') await lifecycle.endIdle(facts.userId, sid);
    }
    return sids.length;
  }

  return {
    async run() {
      let ended = 0;
      for (;;) {
        const portion = await runPortion();
        ended += portion;
        if (portion < PORTION) return ended;
      }
    },
  };
}
