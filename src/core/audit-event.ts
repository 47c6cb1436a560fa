import type { BusyAddress } from './alert.ts';
import type { ChainHead } from './audit-chain.ts';
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
  /** `by`: a one-time link; absent for an administrator or the command line, who set it. */
  | { readonly type: 'account.password_reset'; readonly userId: string; readonly by?: 'link' }
  /** A link to choose a new password was made. */
  | {
      readonly type: 'reset.requested';
      readonly userId: string;
      readonly by: 'email' | 'recovery_code' | 'administrator' | 'operator';
    }
  | { readonly type: 'reset.refused'; readonly userId?: string; readonly why: 'code' }
  | {
      readonly type: 'invitation.created';
      readonly invitationId: string;
      readonly role: string;
      readonly email: string | null;
    }
  | { readonly type: 'invitation.revoked'; readonly invitationId: string }
  | { readonly type: 'invitation.accepted'; readonly userId: string; readonly invitationId: string }
  | { readonly type: 'account.email_changed'; readonly userId: string }
  | { readonly type: 'totp.enrolled'; readonly userId: string }
  | { readonly type: 'totp.removed'; readonly userId: string }
  /** By an administrator or on the command line. */
  | { readonly type: 'totp.reset'; readonly userId: string }
  | { readonly type: 'passkey.added' | 'passkey.removed'; readonly userId: string; readonly name: string }
  | {
      readonly type: 'passkey.renamed';
      readonly userId: string;
      readonly name: string;
      readonly before: string;
    }
  /** Its counter went back: two authenticators have the same key. It was refused. */
  | { readonly type: 'passkey.cloned'; readonly userId: string; readonly name: string }
  /** By an administrator or on the command line. */
  | { readonly type: 'passkeys.reset'; readonly userId: string; readonly passkeys: number }
  | { readonly type: 'recovery_codes.renewed'; readonly userId: string }
  | { readonly type: 'recovery_codes.used'; readonly userId: string; readonly left: number }
  /** By the user. `others`: whether it ended or kept their other sessions, API keys and broker connections. */
  | { readonly type: 'password.changed'; readonly userId: string; readonly others: 'end' | 'keep' }
  | {
      readonly type: 'account.role_changed';
      readonly userId: string;
      readonly before: string;
      readonly after: string;
    }
  | {
      readonly type: 'login.succeeded';
      readonly userId: string;
      readonly device: string;
      /** `Firefox on Linux`: what the browser says of itself. */
      readonly program: string;
      /** Whether the person had signed in with this browser before. */
      readonly known: boolean;
      readonly method?: SignInMethod;
    }
  | {
      readonly type: 'login.failed';
      /** `(no such account)` where no account has the name. */
      readonly username: string;
      /** The user's id, where there is one. */
      readonly userId?: string;
      readonly why: FailedSignInReason;
      /** As of a sign-in that succeeded. Absent in rows from before it was recorded. */
      readonly program?: string;
      /** The password was right, and the browser had not signed in before. */
      readonly passwordOnNewDevice?: true;
    }
  /** Many of those, where there were too many for a row each. `usernames` and `addresses` are a few of them. */
  | {
      readonly type: 'login.failed_often';
      readonly why: FailedSignInReason;
      readonly attempts: number;
      /** Milliseconds since the epoch. */
      readonly first: number;
      readonly last: number;
      readonly usernames: readonly string[];
      readonly addresses: readonly string[];
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
  /** By its owner: until the cutoff, also when no browser is signed in; or no longer. */
  | { readonly type: 'broker.held' | 'broker.not_held'; readonly userId: string; readonly broker: string }
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
  /** Sent from the strategy's page; no program gets it. */
  | {
      readonly type: 'signal.tested';
      readonly userId: string;
      readonly strategy: AuditedStrategy;
      readonly outcome: 'accepted' | SignalRefusal;
    }
  /** `what`: the names of those that changed; `before` and `after` have what they were and are. */
  | {
      readonly type: 'settings.changed';
      readonly userId: string;
      readonly what: readonly string[];
      readonly before: AuditedValues;
      readonly after: AuditedValues;
    }
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
      /** Which automatic one of the address it is, from 1; 0 for one by hand. */
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
  | { readonly type: 'policy.changed'; readonly before: string; readonly after: string }
  /** Settings in .env that were changed while the server ran and could not be used; the old ones stay. */
  | { readonly type: 'policy.refused'; readonly problems: readonly string[] }
  /** The rules of the gateway, by name, that are in force from now on. */
  | { readonly type: 'gateway.rules_changed'; readonly rules: readonly string[] }
  /** A file of rules that was changed while the server ran and could not be used; the old ones stay. */
  | { readonly type: 'gateway.rules_refused'; readonly problems: readonly string[] }
  /**
   * A request that was turned away: a form from elsewhere, a page for administrators, too many. Once an hour for each of
   * them, address and person, not for each request. `route` as it was declared.
   */
  | {
      readonly type: 'request.refused';
      readonly userId: string | undefined;
      readonly why: 'csrf' | 'forbidden' | 'rate_limited';
      readonly route: string;
    }
  /** Data was exported. `scope`: what was asked for, in words. */
  | { readonly type: 'export.taken'; readonly what: 'audit' | 'bans' | 'traffic'; readonly scope: string }
  /** So many events could not be written into the chain; they are in the server's log. */
  | { readonly type: 'audit.lost'; readonly events: number; readonly since: number }
  /** Rows past their time were removed; `seq` and `hash` of the last one, so that the rest can still be proved. */
  | {
      readonly type: 'audit.pruned';
      readonly fromSeq: number;
      readonly seq: number;
      readonly hash: string;
      /** Milliseconds since the epoch: rows from before it went. */
      readonly before: number;
    }
  /** The server has proved the chain from one row to another by itself. */
  | { readonly type: 'audit.verified'; readonly fromSeq: number; readonly seq: number; readonly hash: string }
  | { readonly type: 'audit.broken'; readonly seq: number; readonly problem: string }
  /** A figure is above its threshold. `what` is a cause of core/alert.ts, and says what the figures count. */
  | {
      readonly type: 'alert.raised';
      readonly what: string;
      readonly figure: number;
      readonly threshold: number;
      readonly node: string;
      readonly busiest: readonly BusyAddress[];
    }
  /** It has ended, with `figure` as it was at the worst. */
  | {
      readonly type: 'alert.ended';
      readonly what: string;
      readonly figure: number;
      readonly threshold: number;
      readonly node: string;
      readonly raisedAt: number;
    }
  /** A signed-in user entered their password again, before something sensitive. */
  | { readonly type: 'identity.confirmed'; readonly userId: string }
  | {
      readonly type: 'identity.not_confirmed';
      readonly userId: string;
      readonly why: FailedSignInReason;
    }
  | {
      /** PEPPER or ENCRYPTION_KEY was lost, and the present one taken for the right one. */
      readonly type: 'secrets.accepted';
      readonly names: readonly string[];
    }
  | {
      readonly type: 'backup.made';
      readonly file: string;
      readonly bytes: number;
      readonly sha256: string;
    }
  /**
   * The database was put back to an earlier state. `oldHead`: the end of the audit log that it took the place of, where that
   * could be read; `newHead`: of the restored one, which this event follows.
   */
  | {
      readonly type: 'backup.restored';
      readonly file: string | undefined;
      readonly sha256: string | undefined;
      readonly oldHead: ChainHead | undefined;
      readonly newHead: ChainHead;
      readonly carriedOver: CarriedOver | undefined;
      /** API keys that were revoked because nothing could tell whether they had been, by name. */
      readonly revokedKeys: readonly string[];
    };

export type FailedSignInReason = 'credentials' | 'code' | 'passkey' | 'disabled' | 'rate_limited';

/** How a user signed in: `totp` and `recovery_code` stand beside the password, a passkey alone. */
export type SignInMethod = 'password' | 'totp' | 'recovery_code' | 'passkey';

/** Names of the rights that stay revoked after a backup was restored. */
export interface CarriedOver {
  /** Disabled since. */
  readonly disabled: readonly string[];
  /** Got another password since: it stays. */
  readonly passwords: readonly string[];
  /** Made less since. */
  readonly demoted: readonly string[];
  /** API keys that were revoked since. */
  readonly apiKeys: readonly string[];
  /** API keys whose addresses or end were changed since. */
  readonly keyLimits: readonly string[];
  /** Strategies that were switched off, deleted, or given another address or secret since. */
  readonly strategies: readonly string[];
  /** Bans that are in force. */
  readonly bans: number;
}

/** Values of settings that hold no secret. */
export type AuditedValues = Readonly<Record<string, string | number | null>>;

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

/** Actor and origin. `actor` is a username, or `system` for the clock, or `cli`. */
export interface AuditOrigin {
  readonly actor: string;
  readonly address?: string;
  readonly requestId?: string;
  /** For those who listen, and in no row: what the browser says of itself. */
  readonly userAgent?: string;
  /** The same: the device whose session did it. */
  readonly deviceId?: string;
}

export const SYSTEM_ORIGIN: AuditOrigin = { actor: 'system' };

/** Hears what was recorded, once it was. May reject: that is logged and fails nothing. */
export type AuditListener = (events: readonly AuditEvent[], origin: AuditOrigin) => Promise<void>;

/** Where events go. Recording never throws into the caller's work: a failure is logged and counted. */
export interface AuditLog {
  record(event: AuditEvent, origin: AuditOrigin): Promise<void>;
  recordMany(events: readonly AuditEvent[], origin: AuditOrigin): Promise<void>;
}
