import type { AuditEvent } from '../../src/core/audit-event.ts';

/** An event as there are thousands at a cutoff. */
export const ended = (userId: string): AuditEvent => ({
  type: 'session.ended',
  userId,
  reason: 'cutoff',
  sessions: 1,
});
