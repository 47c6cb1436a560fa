import type { Clock } from '../core/clock.ts';
import { DAY_MS, SECOND_MS } from '../core/duration.ts';
import type { Log } from '../core/log.ts';
import { createPoller, type Poller } from '../core/poller.ts';
import type { LivePolicy } from '../core/session-policy.ts';
import { createTimer } from '../core/timer.ts';
import type { Job } from '../http/feature.ts';
import type { RevocationStore } from '../revocation/revocation-store.ts';
import type { Revoker } from '../revocation/revoker.ts';
import type { Sweep } from '../revocation/sweep.ts';
import type { IdleWatch } from '../sessions/idle-watch.ts';
import type { SessionRegistry } from '../sessions/session-storage.ts';

export interface JobsDeps {
  readonly clock: Clock;
  readonly policy: LivePolicy;
  readonly registry: SessionRegistry;
  readonly revocations: RevocationStore;
  readonly revoker: Revoker;
  readonly sweep: Sweep;
  readonly idleWatch: IdleWatch;
  /** Brings a session store up to date that may be older than the revocations; undefined where it cannot be. */
  readonly replay: (() => Promise<unknown>) | undefined;
  /** Of the features: each removes what is long over, once a minute. */
  readonly cleanups: readonly (() => Promise<unknown>)[];
  /** Of the features: what must be read before any request is answered. */
  readonly preparations: readonly (() => Promise<unknown>)[];
  /** Of the features: started and stopped with the rest. */
  readonly jobs: readonly Job[];
  readonly log: Log;
}

/** Work without a request. */
export interface Jobs {
  /** Does the work that a server missed if it was down at the cutoff: before it answers a request. Rejects when a part is away. */
  catchUp(): Promise<void>;
  /** Work of each minute. */
  tidy(): Promise<void>;
  start(): void;
  stop(): Promise<void>;
}

/** Longer than a replay after a restored Redis looks back. */
const REVOCATIONS_KEPT_MS = 31 * DAY_MS;

export function createJobs(deps: JobsDeps): Jobs {
  const {
    clock,
    policy,
    registry,
    revocations,
    revoker,
    sweep,
    idleWatch,
    replay,
    cleanups,
    preparations,
    jobs,
    log,
  } = deps;

  const sweeping = logOnce('The sweep', () => sweep.runIfDue());
  const adjusting = logOnce('Adjusting lifetimes to the new limits', () => registry.applyPolicy());
  const cutoffTimer = createTimer({ clock, at: sweep.dueAt, ring: sweeping });
  const pollers = [
    every(SECOND_MS, 'Ending idle sessions', () => idleWatch.run()),
    every(SECOND_MS, 'Retrying revocations', () => revoker.retryDue()),
    every(5 * SECOND_MS, 'Writing when sessions were used', () => registry.flush()),
    every(60 * SECOND_MS, 'Tidying up', tidy),
    ...jobs,
  ];

  policy.onChange(() => {
    cutoffTimer.rearm();
    void adjusting();
  });

  async function tidy(): Promise<void> {
    await registry.tidy();
    // Also long before the next cutoff: later it could not be told any more that the sweep came too early.
    await revocations.releaseFutureSweeps();
    await revocations.deleteDoneBefore(clock.now() - REVOCATIONS_KEPT_MS);
    for (const cleanup of cleanups) await cleanup();
  }

  function every(intervalMs: number, name: string, run: () => Promise<unknown>): Poller {
    return createPoller({ intervalMs, work: logOnce(name, run), onError: () => undefined });
  }

  /** An outage of an hour is one line when it begins and one when it ends, not one a second. Never rejects. */
  function logOnce(name: string, run: () => Promise<unknown>): () => Promise<void> {
    let failing = false;
    return async () => {
      try {
        await run();
        if (failing) log.info({ job: name }, `${name} works again`);
        failing = false;
      } catch (error) {
        if (!failing)
          log.error({ err: error, job: name }, `${name} failed and is tried again until it works`);
        failing = true;
      }
    };
  }

  return {
    async catchUp() {
      await revocations.releaseFromDeadHolders();
      await revocations.hurryOpen();
      await replay?.();
      while ((await revoker.retryDue()) > 0);
      await sweep.runIfDue();
      await idleWatch.run();
      for (const prepare of preparations) await prepare();
    },
    tidy,
    start() {
      cutoffTimer.start();
      for (const poller of pollers) poller.start();
    },
    async stop() {
      cutoffTimer.stop();
      await Promise.all(pollers.map((poller) => poller.stop()));
      await registry.flush({ all: true });
    },
  };
}
