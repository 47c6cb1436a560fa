import type { AuditLog } from '../core/audit-event.ts';
import { SYSTEM_ORIGIN } from '../core/audit-event.ts';
import type { RevocationTarget } from '../core/revocation.ts';
import type { SessionRegistry } from './session-storage.ts';

/** Ends sessions in the store. At a sweep it also writes down whose, portion by portion. */
export function createSessionTarget(registry: SessionRegistry, audit: AuditLog): RevocationTarget {
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
          let count = 0;
          const users = new Set<string>();
          for await (const portion of registry.endAllBefore(scope.before, reason)) {
            const events = [...portion].map(
              ([userId, sessions]) => ({ type: 'session.ended', userId, reason, sessions }) as const,
            );
            await audit.recordMany(events, SYSTEM_ORIGIN);
            for (const event of events) {
              count += event.sessions;
              users.add(event.userId);
            }
          }
          return { count, detail: users.size === 1 ? '1 person' : `${users.size} people` };
        }
      }
    },
  };
}
