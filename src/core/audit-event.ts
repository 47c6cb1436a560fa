import type { Receipt, RevocationReason } from './revocation.ts';

/** Everything the audit log records: one member per kind of event, with exactly the facts that belong to it. */
export type AuditEvent =
  | {
      readonly type: 'account.created';
      readonly userId: string;
      readonly username: string;
      readonly role: string;
    }
  | { readonly type: 'account.disabled'; readonly userId: string }
  | { readonly type: 'account.enabled'; readonly userId: string }
  | { readonly type: 'account.password_reset'; readonly userId: string }
  | { readonly type: 'login.succeeded'; readonly userId: string; readonly device: string }
  | {
      readonly type: 'login.failed';
      readonly username: string;
      readonly why: 'credentials' | 'disabled' | 'rate_limited';
    }
  | {
      readonly type: 'session.ended';
      readonly userId: string;
      readonly reason: RevocationReason;
      readonly sessions: number;
    }
  | { readonly type: 'revocation.carried_out'; readonly receipt: Receipt }
  | { readonly type: 'broker.authorization_started'; readonly userId: string; readonly broker: string }
  | { readonly type: 'broker.connected'; readonly userId: string; readonly broker: string }
  | {
      readonly type: 'broker.connection_failed';
      readonly userId: string;
      readonly broker: string;
      readonly why: string;
    }
  | { readonly type: 'broker.disconnected'; readonly userId: string; readonly broker: string }
  | { readonly type: 'broker.logged_out_at_broker'; readonly userId: string; readonly broker: string }
  | {
      readonly type: 'broker.logout_at_broker_failed';
      readonly userId: string;
      readonly broker: string;
      readonly attempts: number;
      readonly why: string;
    }
  | { readonly type: 'broker.logout_tried_again'; readonly userId: string; readonly broker: string }
  | { readonly type: 'broker.logout_dismissed'; readonly userId: string; readonly broker: string }
  | { readonly type: 'broker.token_unreadable'; readonly userId: string; readonly broker: string }
  | { readonly type: 'broker.token_rejected'; readonly userId: string; readonly broker: string }
  | { readonly type: 'broker.token_refreshed'; readonly userId: string; readonly broker: string }
  | {
      readonly type: 'broker.refresh_refused';
      readonly userId: string;
      readonly broker: string;
      readonly why: string;
    }
  | { readonly type: 'broker.credentials_saved'; readonly userId: string; readonly broker: string }
  | { readonly type: 'broker.credentials_removed'; readonly userId: string; readonly broker: string }
  | { readonly type: 'broker.credentials_unreadable'; readonly userId: string; readonly broker: string }
  | { readonly type: 'keys.rotated'; readonly renewed: number; readonly unreadable: number }
  | { readonly type: 'policy.changed'; readonly before: string; readonly after: string };

/** Who did it and from where. `actor` is a username, or `system` for the clock, or `cli`. */
export interface AuditOrigin {
  readonly actor: string;
  readonly address?: string;
  readonly requestId?: string;
}

export const SYSTEM_ORIGIN: AuditOrigin = { actor: 'system' };

/** Where events go. Recording never throws into the caller's work: a failure is logged and counted. */
export interface AuditLog {
  record(event: AuditEvent, origin: AuditOrigin): Promise<void>;
  recordMany(events: readonly AuditEvent[], origin: AuditOrigin): Promise<void>;
}
