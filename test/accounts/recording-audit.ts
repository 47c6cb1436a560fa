import type { AuditEvent, AuditLog, AuditOrigin } from '../../src/core/audit-event.ts';

export interface Recorded {
  readonly event: AuditEvent;
  readonly origin: AuditOrigin;
}

/** An audit log that a test can read. */
export function createRecordingAudit(): AuditLog & { readonly recorded: readonly Recorded[] } {
  const recorded: Recorded[] = [];
  return {
    recorded,
    async record(event, origin) {
      recorded.push({ event, origin });
    },
    async recordMany(events, origin) {
      recorded.push(...events.map((event) => ({ event, origin })));
    },
  };
}
