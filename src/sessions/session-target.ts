import type { AuditLog } from '../core/audit-event.ts';
import { SYSTEM_ORIGIN } from '../core/audit-event.ts';
import type { RevocationReason, RevocationTarget } from '../core/revocation.ts';
import type { SessionRegistry } from './session-storage.ts';

/** Ends sessions in the store. At a sweep it also writes down whose. */
export function createSessionTarget(registry: SessionRegistry, audit: AuditLog): RevocationTarget {
  /** A line for each person, not for each of their sessions; also for those who were reached when a sweep breaks off. */
  async function endAll(before: number, reason: RevocationReason): Promise<ReadonlyMap<string, number>> {
    const perUser = new Map<string, number>();
    try {
      for await (const batch of registry.endAllBefore(before, reason)) {
        for (const [userId, sessions] of batch) perUser.set(userId, (perUser.get(userId) ?? 0) + sessions);
      }
    } finally {
      await audit.recordMany(
        [...perUser].map(
          ([userId, sessions]) => ({ type: 'session.ended', userId, reason, sessions }) as const,
        ),
        SYSTEM_ORIGIN,
      );
    }
    return perUser;
  }

  return {
    name: 'sessions',
    async revoke({ scope, reason }) {
      switch (scope.kind) {
        case 'device':
          return { count: await registry.end(scope.sids, reason) };
        case 'account':
          return { count: await registry.endThroughEpoch(scope.userId, scope.throughEpoch, reason) };
        case 'stale':
          return { count: await registry.endStale(scope.userId, scope.before, reason) };
        case 'sweep': {
          const perUser = await endAll(scope.before, reason);
          const count = [...perUser.values()].reduce((sum, sessions) => sum + sessions, 0);
          return { count, detail: perUser.size === 1 ? '1 person' : `${perUser.size} people` };
        }
      }
    },
  };
}
