import type { AuditLog } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import { SECOND_MS } from '../core/duration.ts';
import type { Log } from '../core/log.ts';
import type { RevocationTarget } from '../core/revocation.ts';
import type { Feature } from '../http/feature.ts';
import { gauge, type Metric } from '../http/metrics.ts';
import type { Database } from '../storage/database.ts';
import { createPendingRevocationStore, type PendingRevocationStore } from './pending-revocation-store.ts';
import { createReplay } from './replay.ts';
import { createRevocationHolder } from './revocation-holder.ts';
import { type CarryHeld, createRevocationStore, type RevocationStore } from './revocation-store.ts';
import { createRevoker, type Revoker } from './revoker.ts';
import { createSweep, type Sweep } from './sweep.ts';

export interface RevocationFeatureDeps {
  readonly database: Database;
  readonly calendar: CutoffCalendar;
  readonly clock: Clock;
  readonly audit: AuditLog;
  readonly log: Log;
  /** In the order in which they end: tokens first, or a reader would fill the caches with them again. */
  readonly targets: {
    readonly tokens: RevocationTarget;
    readonly sessions: RevocationTarget;
    readonly caches: RevocationTarget;
    readonly sockets: RevocationTarget;
  };
  readonly carryHeld: CarryHeld;
  /** How many sessions of a user could be used now. */
  readonly countSessions: (userId: string) => Promise<number>;
}

export interface RevocationFeature extends Feature {
  readonly revocations: RevocationStore;
  readonly revoker: Revoker;
  readonly sweep: Sweep;
  /** For a session store that may have come back with older data. */
  readonly replay: () => Promise<number>;
  readonly pending: PendingRevocationStore;
}

/** The product's one thought: what ends, in which order, until it is done. */
export function createRevocationFeature(deps: RevocationFeatureDeps): RevocationFeature {
  const { database, clock, targets } = deps;
  const revocations = createRevocationStore(database, clock, createRevocationHolder(), deps.carryHeld);
  const pending = createPendingRevocationStore(database, clock);
  const revoker = createRevoker({
    ...deps,
    revocations,
    targets: [targets.tokens, targets.sessions, targets.caches, targets.sockets],
    acting: database.acting,
  });
  return {
    revocations,
    revoker,
    pending,
    sweep: createSweep({ ...deps, revoker, revocations }),
    replay: createReplay({ ...deps, revocations, sessionTarget: targets.sessions }),
    metrics: createRevocationMetrics(pending, clock),
  };
}

/** Pending revocations of all nodes together. Anything above 0 for longer than a minute wants a look at the log. */
export function createRevocationMetrics(
  pendingRevocations: Pick<PendingRevocationStore, 'summary'>,
  clock: Clock,
): readonly Metric[] {
  return [
    gauge({
      name: 'curfew_revocations_waiting',
      help: 'Revocations that were asked for and are not carried out in full yet.',
      read: async () => (await pendingRevocations.summary()).waiting,
    }),
    gauge({
      name: 'curfew_revocations_oldest_waiting_seconds',
      help: 'For how long the oldest of them has waited; 0 where none waits.',
      async read() {
        const { oldestOrderedAt } = await pendingRevocations.summary();
        const ageMs = oldestOrderedAt === undefined ? 0 : clock.now() - oldestOrderedAt;
        return Math.max(0, Math.round(ageMs / SECOND_MS));
      },
    }),
  ];
}
