import type { Clock } from '../core/clock.ts';
import { SECOND_MS } from '../core/duration.ts';
import type { Log } from '../core/log.ts';
import { createPoller } from '../core/poller.ts';
import type { Job } from '../http/feature.ts';
import type { Acting } from '../storage/acting.ts';
import type { Admission } from './admission.ts';
import type { RuleUse, RuleUseStore } from './rule-use-store.ts';

/** Remembers when each rule was last used; stored every few seconds, so that a request costs no statement. */
export interface RuleUses {
  note(admission: Pick<Admission, 'rule' | 'identity'>): void;
  /** Of all nodes, those of this one from a moment ago included. */
  list(): Promise<readonly RuleUse[]>;
  readonly job: Job;
}

export interface RuleUsesDeps {
  readonly store: RuleUseStore;
  readonly acting: Pick<Acting, 'asServer'>;
  readonly clock: Clock;
  readonly log: Log;
}

const STORED_EVERY_MS = 10 * SECOND_MS;

export function createRuleUses({ store, acting, clock, log }: RuleUsesDeps): RuleUses {
  let waiting = new Map<string, RuleUse>();

  async function flush(): Promise<void> {
    const uses = waiting;
    waiting = new Map();
    try {
      await acting.asServer(() => store.save([...uses.values()]));
    } catch (error) {
      // Uses that came meanwhile are later.
      waiting = new Map([...uses, ...waiting]);
      throw error;
    }
  }

  const poller = createPoller({
    intervalMs: STORED_EVERY_MS,
    work: flush,
    onError: (err) => log.warn({ err }, 'The last uses of tools could not be stored; it is tried again'),
  });

  return {
    note({ rule: { name }, identity }) {
      waiting.set(name, { rule: name, at: clock.now(), username: identity?.username });
    },
    async list() {
      await flush();
      return store.list();
    },
    job: {
      start: poller.start,
      async stop() {
        await poller.stop();
        await flush().catch((err: unknown) =>
          log.warn({ err }, 'The last uses of tools could not be stored'),
        );
      },
    },
  };
}
