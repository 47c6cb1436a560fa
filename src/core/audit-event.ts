import type { BanReason, BanRules } from './ban-policy.ts';
import type { Receipt, RevocationReason } from './revocation.ts';
import type { SignalRefusal } from './signal-refusal.ts';

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
  | {
      readonly type: 'login.succeeded';
      readonly userId: string;
      readonly device: string;
      /** `Firefox on Linux`: what the browser says of itself. */
      readonly program: string;
      /** Whether the person had signed in with this browser before. */
      readonly known: boolean;
    }
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
  | {
      readonly type: 'api_key.created';
      readonly userId: string;
      readonly keyId: string;
      readonly name: string;
      readonly scopes: readonly string[];
    }
  | {
      readonly type: 'api_key.revoked';
      readonly userId: string;
      readonly keyId: string;
      readonly name: string;
    }
  | {
      readonly type: 'api_key.addresses_changed';
      readonly userId: string;
      readonly keyId: string;
      readonly before: readonly string[];
      readonly after: readonly string[];
    }
  | { readonly type: 'api_key.address_wait_lifted'; readonly userId: string; readonly keyId: string }
  /** A key that is not good. Once an hour for each key and address, not for each request. */
  | { readonly type: 'api_key.refused'; readonly keyId: string | undefined; readonly why: string }
  /** A good one in the wrong place; as seldom. */
  | { readonly type: 'api_key.refused_from_address'; readonly userId: string; readonly keyId: string }
  /** The first time that a key gets the tokens of one connection. */
  | {
      readonly type: 'api_key.broker_token_read';
      readonly userId: string;
      readonly keyId: string;
      readonly broker: string;
    }
  | { readonly type: 'strategy.created'; readonly userId: string; readonly strategy: AuditedStrategy }
  | {
      readonly type: 'strategy.changed';
      readonly userId: string;
      readonly strategy: AuditedStrategy;
      readonly what: 'details' | 'webhook_address' | 'signing_secret' | 'allowed_addresses';
    }
  | { readonly type: 'strategy.activated'; readonly userId: string; readonly strategy: AuditedStrategy }
  | { readonly type: 'strategy.deactivated'; readonly userId: string; readonly strategy: AuditedStrategy }
  | { readonly type: 'strategy.deleted'; readonly userId: string; readonly strategy: AuditedStrategy }
  | {
      readonly type: 'signal.refused';
      readonly userId: string;
      readonly strategy: AuditedStrategy;
      readonly why: SignalRefusal;
    }
  /** `what`: the names of those that changed. */
  | { readonly type: 'settings.changed'; readonly userId: string; readonly what: readonly string[] }
  | { readonly type: 'telegram.bot_saved'; readonly userId: string; readonly bot: string }
  | { readonly type: 'telegram.bot_removed'; readonly userId: string }
  | { readonly type: 'telegram.bot_unreadable'; readonly userId: string }
  | { readonly type: 'telegram.chat_saved'; readonly userId: string; readonly chat: string }
  | { readonly type: 'telegram.events_chosen'; readonly userId: string; readonly events: readonly string[] }
  | {
      readonly type: 'symbols.imported';
      readonly broker: string;
      readonly instruments: number;
      readonly badLines: number;
    }
  | { readonly type: 'symbols.import_refused'; readonly broker: string | undefined; readonly why: string }
  | { readonly type: 'symbols.import_failed'; readonly broker: string | undefined; readonly why: string }
  | { readonly type: 'keys.rotated'; readonly renewed: number; readonly unreadable: number }
  | {
      readonly type: 'ban.added';
      readonly subject: string;
      readonly reason: BanReason;
      readonly note: string;
      /** The how manieth automatic one; 0 for one that somebody ordered. */
      readonly offence: number;
      /** Milliseconds since the epoch. */
      readonly until: number | 'permanent';
    }
  | {
      readonly type: 'ban.lifted';
      readonly subject: string;
      readonly reason: BanReason;
      /** Whether the offences before it were forgotten as well. */
      readonly forgotten: boolean;
    }
  | { readonly type: 'ban.expired'; readonly subject: string; readonly reason: BanReason }
  | {
      readonly type: 'bans.imported';
      readonly added: number;
      readonly known: number;
      readonly refused: number;
    }
  | { readonly type: 'thresholds.changed'; readonly before: BanRules; readonly after: BanRules }
  | {
      readonly type: 'allowlist.changed';
      readonly before: AuditedTrust | undefined;
      readonly after: AuditedTrust | undefined;
    }
  | { readonly type: 'policy.changed'; readonly before: string; readonly after: string };

/** An address or a CIDR that is never banned automatically, and whose it is. */
export interface AuditedTrust {
  readonly block: string;
  readonly note: string;
}

/** The id, and the name that it had at the time. */
export interface AuditedStrategy {
  readonly id: string;
  readonly name: string;
}

/** Who did it and from where. `actor` is a username, or `system` for the clock, or `cli`. */
export interface AuditOrigin {
  readonly actor: string;
  readonly address?: string;
  readonly requestId?: string;
}

export const SYSTEM_ORIGIN: AuditOrigin = { actor: 'system' };

/** Hears what was recorded, once it was. May reject: that is logged and nobody's trouble. */
export type AuditListener = (events: readonly AuditEvent[], origin: AuditOrigin) => Promise<void>;

/** Where events go. Recording never throws into the caller's work: a failure is logged and counted. */
export interface AuditLog {
  record(event: AuditEvent, origin: AuditOrigin): Promise<void>;
  recordMany(events: readonly AuditEvent[], origin: AuditOrigin): Promise<void>;
}
