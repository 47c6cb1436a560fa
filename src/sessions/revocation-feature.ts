import type { AuditLog } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import type { Log } from '../core/log.ts';
import type { RevocationTarget } from '../core/revocation.ts';
import type { Feature } from '../http/feature.ts';
import type { Database } from '../storage/database.ts';
import { createReplay } from './replay.ts';
import { createRevocationMetrics } from './revocation-metrics.ts';
import { createRevocationOrderStore, type RevocationOrderStore } from './revocation-order-store.ts';
import { createRevoker, type Revoker } from './revoker.ts';
import type { SessionRegistry } from './session-storage.ts';
import { createSessionTarget } from './session-target.ts';
import { createSweep, type Sweep } from './sweep.ts';
import { createWaitingOrderStore, type WaitingOrderStore } from './waiting-order-store.ts';

export interface RevocationFeatureDeps {
  readonly database: Database;
  readonly registry: SessionRegistry;
  readonly calendar: CutoffCalendar;
  readonly clock: Clock;
  readonly audit: AuditLog;
  readonly log: Log;
  /** What ends before the sessions: tokens, or a reader would fill the caches with them again. */
  readonly tokens: RevocationTarget;
  /** What ends after them. */
  readonly caches: RevocationTarget;
}

export interface RevocationFeature extends Feature {
  readonly orders: RevocationOrderStore;
  readonly revoker: Revoker;
  readonly sweep: Sweep;
  /** For a session store that may have come back with older data. */
  readonly replay: () => Promise<number>;
  readonly pending: WaitingOrderStore;
}

/** The product's one thought: what ends, in which order, until it is done. */
export function createRevocationFeature(deps: RevocationFeatureDeps): RevocationFeature {
  const { database, registry, clock, audit, tokens, caches } = deps;
  const orders = createRevocationOrderStore(database, clock);
  const pending = createWaitingOrderStore(database, clock);
  const sessionTarget = createSessionTarget(registry, audit);
  const revoker = createRevoker({
    ...deps,
    orders,
    targets: [tokens, sessionTarget, caches],
    countSessions: async (userId) => (await registry.listByUser(userId)).length,
    acting: database.acting,
  });
  return {
    orders,
    revoker,
    pending,
    sweep: createSweep({ ...deps, revoker, orders }),
    replay: createReplay({ ...deps, orders, sessionTarget }),
    metrics: createRevocationMetrics(pending, clock),
  };
}
