import { SECOND_MS } from '../core/duration.ts';
import type { Log } from '../core/log.ts';
import { createPoller, type Poller } from '../core/poller.ts';
import type { SessionRegistry } from '../sessions/session-storage.ts';
import type { SettingsStore } from './settings-store.ts';

/** Brings the idle limits of people's sessions in line with what they chose. */
export interface IdleLimits {
  /** Rejects when the sessions cannot be reached: then it is done later. */
  apply(userId: string): Promise<void>;
  /** Applies the pending limits; returns for how many users it was. */
  applyDue(): Promise<number>;
  /** The session store may have come back with older limits: all of them are given again, soon. */
  reapplyAll(): Promise<void>;
  /** To be started once the server listens, and stopped when it closes. */
  readonly watch: Pick<Poller, 'start' | 'stop'>;
}

export interface IdleLimitsDeps {
  readonly settingsStore: SettingsStore;
  readonly registry: Pick<SessionRegistry, 'setIdleLimit'>;
  readonly log: Log;
}

const POLL_MS = 5 * SECOND_MS;
const BATCH = 200;

/** The choice is stored, and that it is not applied yet; so one that was saved is never forgotten over a crash or an outage. */
export function createIdleLimits({ settingsStore, registry, log }: IdleLimitsDeps): IdleLimits {
  const poller = createPoller({
    intervalMs: POLL_MS,
    work: applyDue,
    onError: (error) => log.error({ err: error }, 'Idle limits that people chose could not be applied yet'),
  });

  async function applyDue(): Promise<number> {
    let done = 0;
    for (;;) {
      const userIds = await settingsStore.listToApply(BATCH);
      for (const userId of userIds) await apply(userId);
      done += userIds.length;
      if (userIds.length < BATCH) return done;
    }
  }

  /** Once more when something was saved meanwhile: of two at the same moment, the last word is the row's. */
  async function apply(userId: string): Promise<void> {
    for (;;) {
      const stored = await settingsStore.find(userId);
      if (stored === undefined) return;
      const { settings, version, idleApplied } = stored;
      if (settings.idleTimeoutMs === undefined && idleApplied) return;
      await registry.setIdleLimit(userId, settings.idleTimeoutMs);
      if (await settingsStore.markApplied(userId, version)) return;
    }
  }

  return {
    apply,
    applyDue,
    async reapplyAll() {
      await settingsStore.reopenAll();
      poller.wake();
    },
    watch: poller,
  };
}
