import type { AuditEvent, AuditListener } from '../core/audit-event.ts';
import type { FeedEvent } from '../core/feed-event.ts';

/** Whom an event of the audit log concerns, and what their sockets hear of it. */
interface Told {
  readonly userId: string | 'administrators';
  readonly event: FeedEvent;
}

/** Tells a user's sockets of what was recorded about them. */
export function createFeedEventListener(
  tell: (userId: string, event: FeedEvent) => Promise<void>,
  listAdministrators: () => Promise<readonly string[]>,
): AuditListener {
  return async function tellSockets(events) {
    for (const told of events.map(toFeedEvent)) {
      if (told === undefined) continue;
      const userIds = told.userId === 'administrators' ? await listAdministrators() : [told.userId];
      for (const userId of userIds) await tell(userId, told.event);
    }
  };
}

function toFeedEvent(event: AuditEvent): Told | undefined {
  switch (event.type) {
    case 'login.succeeded':
      if (event.known) return undefined;
      return { userId: event.userId, event: { event: 'new_device', device: event.program } };
    case 'revocation.carried_out': {
      const { userId, scope, reason } = event.receipt;
      if (userId === undefined || scope !== 'device') return undefined;
      return { userId, event: { event: 'session_ended', reason } };
    }
    case 'broker.connected':
      return { userId: event.userId, event: { event: 'broker_connected', broker: event.broker } };
    case 'broker.disconnected':
    case 'broker.token_unreadable':
      return { userId: event.userId, event: { event: 'broker_lost', broker: event.broker } };
    case 'broker.token_rejected':
    case 'broker.refresh_refused':
      return { userId: event.userId, event: { event: 'broker_rejected', broker: event.broker } };
    case 'ban.added':
      return { userId: 'administrators', event: { event: 'ban_added', subject: event.subject } };
    default:
      return undefined;
  }
}
