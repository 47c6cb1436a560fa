import type { AuditLog } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import type { Log } from '../core/log.ts';
import type { RevocationTarget } from '../core/revocation.ts';
import type { Feature } from '../http/feature.ts';
import type { Database } from '../storage/database.ts';
import { createPendingRevocationStore, type PendingRevocationStore } from './pending-revocation-store.ts';
import { createReplay } from './replay.ts';
import { createRevocationHolder } from './revocation-holder.ts';
import { createRevocationMetrics } from './revocation-metrics.ts';
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
