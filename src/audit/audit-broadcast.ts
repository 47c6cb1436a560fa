import type { AuditEvent, AuditListener, AuditLog, AuditOrigin } from '../core/audit-event.ts';
import type { Log } from '../core/log.ts';

/** An audit log that tells others of what it has recorded. */
export interface AuditBroadcast extends AuditLog {
  listen(listener: AuditListener): void;
}

/**
 * Listeners are waited for, so that what they store is stored when a command has ended, or a page is answered. One that
 * fails is logged and delays no other.
 */
export function createAuditBroadcast(audit: AuditLog, log: Log): AuditBroadcast {
  const listeners: AuditListener[] = [];

  async function recordMany(events: readonly AuditEvent[], origin: AuditOrigin): Promise<void> {
    await audit.recordMany(events, origin);
    for (const listener of listeners) {
      try {
        await listener(events, origin);
      } catch (error) {
        log.error({ err: error }, 'Something that was recorded could not be passed on');
      }
    }
  }

  return {
    record: (event, origin) => recordMany([event], origin),
    recordMany,
    listen: (listener) => {
      listeners.push(listener);
    },
  };
}
