import type { AuditEvent, AuditLog } from '../../src/core/audit-event.ts';

/** An audit log that a test can read. */
export function createRecordingAudit(): AuditLog & { readonly events: readonly AuditEvent[] } {
  const events: AuditEvent[] = [];
  return {
    events,
    async record(event) {
      events.push(event);
    },
    async recordMany(more) {
      events.push(...more);
    },
  };
}
