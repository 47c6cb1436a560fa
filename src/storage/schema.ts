import type { Generated } from 'kysely';
import type { MailKind } from '../core/mail.ts';
import type { Role } from '../core/role.ts';

/**
 * The tables, as Kysely sees them on both databases. Instants are milliseconds since the epoch in a BIGINT;
 * truth values are 0 and 1, so that one statement serves SQLite and Postgres.
 */
export interface Schema {
  installation: { id: number; created_at: number };
  secret_checks: { name: string; check_value: string; set_at: number };
  users: UsersTable;
  user_epochs: { user_id: string; epoch: number };
  sessions: SessionsTable;
  session_endings: { sid: string; reason: string; forget_at: number };
  revocations: RevocationsTable;
  broker_tokens: BrokerTokensTable;
  broker_authorizations: BrokerAuthorizationsTable;
  broker_logouts: BrokerLogoutsTable;
  broker_credentials: BrokerCredentialsTable;
  sandbox_codes: SandboxCodesTable;
  sandbox_tokens: SandboxTokensTable;
  sandbox_refresh_tokens: SandboxRefreshTokensTable;
  symbols: SymbolsTable;
  symbol_masters: SymbolMastersTable;
  symbol_imports: SymbolImportsTable;
  api_keys: ApiKeysTable;
  address_registrations: AddressRegistrationsTable;
  strategies: StrategiesTable;
  signals: SignalsTable;
  /** The last cursor that was given out for each person; its row is the lock under which the next one is. */
  signal_cursors: { user_id: string; last: number };
  signal_bodies: SignalBodiesTable;
  signal_fetches: { signal_id: string; key_id: string; fetched_at: number };
  watched_symbols: WatchedSymbolsTable;
  gateway_uses: GatewayUsesTable;
  user_settings: UserSettingsTable;
  totp_factors: TotpFactorsTable;
  passkeys: PasskeysTable;
  /** Digests of what was used, until `forget_at`. */
  single_uses: { digest: string; forget_at: number };
  /** Digests of those that are left. */
  recovery_codes: { user_id: string; digest: string };
  telegram_bots: TelegramBotsTable;
  telegram_messages: TelegramMessagesTable;
  mail_messages: MailMessagesTable;
  one_time_links: OneTimeLinksTable;
  invitations: InvitationsTable;
  account_notices: AccountNoticesTable;
  ban_state: BanStateTable;
  bans: BansTable;
  ban_offences: { subject: string; offences: number; last_at: number };
  ban_hits: BanHitsTable;
  trusted_addresses: TrustedAddressesTable;
  known_addresses: KnownAddressesTable;
  traffic_log: TrafficLogTable;
  traffic_hours: TrafficHoursTable;
  alarms: AlarmsTable;
  audit_log: AuditLogTable;
  audit_head: AuditHeadTable;
  audit_checks: AuditChecksTable;
  /** Events by the hour (ms since the epoch) and by kind: the type, for some with the reason behind it. */
  audit_hours: { hour: number; kind: string; events: number };
  bus_messages: { id: Generated<number>; sent_at: number; sender: string; body: string };
}

export interface UsersTable {
  id: string;
  username: string;
  /** The username as compared: NFKC, lower case. Unique. */
  username_key: string;
  email: string;
  password_hash: string;
  /** When it was chosen, not when it was last hashed. */
  password_set_at: Generated<number>;
  role: Role;
  disabled: 0 | 1;
  created_at: number;
  /** Null before the first time. */
  last_sign_in_at: number | null;
  /** Null where no link that was sent there was opened. */
  email_confirmed_at: number | null;
}

export interface OneTimeLinksTable {
  /** Of the token in the link. */
  digest: string;
  purpose: string;
  user_id: string;
  subject: string;
  created_at: number;
  expires_at: number;
}

export interface InvitationsTable {
  id: string;
  digest: string;
  email: string | null;
  role: Role;
  invited_by: string;
  created_at: number;
  expires_at: number;
  outcome: 'accepted' | 'revoked' | null;
  ended_at: number | null;
}

export type NoticeKind = 'new_device' | 'account_changed' | 'account_reset';

export interface AccountNoticesTable {
  id: string;
  user_id: string;
  kind: NoticeKind;
  device: string;
  text: string;
  created_at: number;
  expires_at: number;
}

export interface MailMessagesTable {
  id: string;
  recipient: string;
  kind: MailKind;
  /** Encrypted: subject and text. Null once it was sent or given up. */
  sealed: string | null;
  created_at: number;
  /** While a node works on it, when its lease ends. */
  next_attempt_at: number;
  expires_at: number;
  failures: number;
  status: 'open' | 'sent' | 'failed';
  problem: string | null;
  ended_at: number | null;
}

export interface TotpFactorsTable {
  user_id: string;
  /** Encrypted. */
  secret: string;
  /** The step of the last accepted code, in 30 seconds since the epoch: it and all before it are used. */
  last_step: number;
  created_at: number;
}

export interface PasskeysTable {
  /** The credential id, base64url. */
  id: string;
  user_id: string;
  name: string;
  /** COSE, base64url. */
  public_key: string;
  /** As the authenticator counted at its last use; 0 where it does not count. */
  counter: number;
  /** With commas between them. */
  transports: string;
  can_be_backed_up: 0 | 1;
  is_backed_up: 0 | 1;
  /** The host of BASE_URL when it was made. */
  rp_id: string;
  created_at: number;
  last_used_at: number | null;
}

export interface SessionsTable {
  sid: string;
  /** The database would take null in these three: visitors without a user used to have rows of their own. */
  user_id: string;
  epoch: number;
  login_time: number;
  /** The last request but for polling ones; exact to the minute. The idle clock. */
  last_seen: number;
  /** An idle limit of its own, which counts where it is shorter than the policy's. */
  own_idle_ms: number | null;
  body: string;
}

export interface RevocationsTable {
  id: string;
  /** Orders that must exist once only (one sweep per cutoff) share a key. */
  dedupe_key: string | null;
  user_id: string | null;
  reason: string;
  scope: string;
  ordered_at: number;
  /** JSON: the receipt as far as it got. */
  receipt: string;
  status: 'open' | 'done';
  attempts: number;
  /** Until then a node is working on it, or waits before the next try. */
  next_attempt_at: number;
  /** Which process is working on it; null while it waits, and once it is done. */
  holder: string | null;
}

export interface BrokerTokensTable {
  id: string;
  user_id: string;
  broker: string;
  /** Fernet; null once revoked. */
  access_token: string | null;
  feed_token: string | null;
  /** The user's epoch when the token was issued: a token of an earlier epoch is dead, also where the row says otherwise. */
  epoch: number;
  issued_at: number;
  expires_at: number;
  is_revoked: 0 | 1;
  revoked_at: number | null;
  revoke_reason: string | null;
  /** SHA-256 of the access token: tells whether two rows hold the same one. */
  token_digest: string | null;
  /** Fernet; null where the broker gave none, and once revoked. */
  refresh_token: string | null;
  /** When to ask the broker for the next access token; while a node is asking, when its claim ends. */
  refresh_at: number | null;
  /** Since the last refresh that succeeded. */
  refresh_failures: Generated<number>;
  /** 1: stays until the cutoff when no browser is signed in. */
  is_held: Generated<0 | 1>;
  /** The user's account at the broker. */
  client_id: string | null;
}

export interface BrokerCredentialsTable {
  id: string;
  user_id: string;
  broker: string;
  /** As the broker's adapter calls it. */
  field: string;
  /** Fernet. */
  value: string;
  set_at: number;
}

export interface BrokerAuthorizationsTable {
  /** SHA-256 of the OAuth state. */
  state_digest: string;
  /** SHA-256 of the session that began it. */
  session_digest: string;
  user_id: string;
  broker: string;
  /** Fernet. */
  code_verifier: string;
  return_to: string;
  expires_at: number;
  is_held: Generated<0 | 1>;
}

export interface BrokerLogoutsTable {
  id: string;
  user_id: string;
  broker: string;
  /** Fernet; wiped when done, and when there is no use in trying again. */
  access_token: string | null;
  requested_at: number;
  attempts: number;
  next_attempt_at: number;
  status: 'open' | 'done' | 'dead';
  last_error: string | null;
  token_digest: string | null;
  /** When the broker ends the token by itself. */
  expires_at: number | null;
  /** The order of revocation that ended the token; null where something else did. */
  order_id: string | null;
}

export interface SandboxCodesTable {
  code_digest: string;
  client_id: string;
  redirect_uri: string;
  code_challenge: string;
  subject: string;
  expires_at: number;
  /** Kept after its use: a second use ends the tokens that came from the first. */
  used_at: number | null;
}

export interface SandboxTokensTable {
  token_digest: string;
  kind: 'access' | 'feed';
  /** The code it came from. */
  code_digest: string;
  client_id: string;
  subject: string;
  issued_at: number;
  expires_at: number;
  revoked_at: number | null;
}

export interface SandboxRefreshTokensTable {
  token_digest: string;
  /** The code that it and all its predecessors came from. */
  code_digest: string;
  client_id: string;
  subject: string;
  expires_at: number;
  /** When it was used or revoked. Kept after that: a second use ends everything that came from the code. */
  ended_at: number | null;
}

/** Postgres has the words of each row in a column `words`, SQLite those of each import in a table `symbol_words_<first id>`. */
export interface SymbolsTable {
  /** Orders search results. */
  id: number;
  exchange: string;
  /** The trading symbol in capitals. */
  symbol_key: string;
  trading_symbol: string;
  name: string;
  instrument_token: string;
  exchange_token: string;
  /** As `2024-12-26`. */
  expiry: string | null;
  strike: number | null;
  tick_size: number;
  lot_size: number;
  instrument_type: string;
  segment: string;
  /** Both empty where the file has none. */
  display_name: string;
  isin: string;
}

/** The master that is in use, one row for each broker. Its instruments are the symbols from first_id to last_id. */
export interface SymbolMastersTable {
  broker: string;
  import_id: string;
  first_id: number;
  /** From here to last_id: options. One more than last_id where there are none. */
  first_option_id: number;
  last_id: number;
  /** JSON: the exchanges and the instrument types that occur. */
  exchanges: string;
  types: string;
  imported_at: number;
}

export interface SymbolImportsTable {
  id: string;
  /** Null until the file has told. */
  broker: string | null;
  file_name: string;
  requested_by: string;
  status: 'running' | 'done' | 'refused' | 'failed';
  stage: 'receiving' | 'checking' | 'storing';
  /** Bytes, or rows while storing. */
  stage_done: number;
  stage_total: number;
  started_at: number;
  /** The last sign of life: a running import without one is dead. */
  heard_at: number;
  finished_at: number | null;
  instruments: number;
  /** How many the master had that this one takes the place of. */
  instruments_before: number;
  bad_lines: number;
  /** JSON: the first of them. */
  bad_line_samples: string;
  /** Why it was refused or failed, in words. */
  problem: string | null;
  /** The symbols that it wrote and that have not been deleted again. */
  first_id: number | null;
  last_id: number | null;
  /** Since when its symbols are hidden: null while they are in use, or may come to be. */
  retired_at: number | null;
}

export interface ApiKeysTable {
  /** The public part of the key. */
  id: string;
  user_id: string;
  name: string;
  /** Argon2id; null once revoked. */
  secret_hash: string | null;
  /** Words with a space between. */
  scopes: string;
  created_at: number;
  expires_at: number | null;
  revoked_at: number | null;
  /** An address or a CIDR. */
  address_primary: string | null;
  address_secondary: string | null;
  addresses_changed_at: number | null;
  last_used_at: number | null;
  last_used_address: string | null;
}

export interface AddressRegistrationsTable {
  user_id: string;
  /** A list as JSON. */
  addresses: string;
  /** Null when an administrator lifted the wait. */
  changed_at: number | null;
}

export interface StrategiesTable {
  id: string;
  user_id: string;
  name: string;
  platform: string;
  broker: string;
  /** JSON: a list of StrategySymbol. */
  symbols: string;
  /** A comma list: `mon,tue`. */
  trading_days: string;
  /** Minutes since the Indian midnight, both; half-open. */
  opens_at: number;
  closes_at: number;
  active: 0 | 1;
  /** Goes up with every change: tells whether a cached copy is still right. */
  version: number;
  /** SHA-256 of the webhook's id. */
  webhook_digest: string;
  /** Fernet; null once deleted. */
  webhook_id: string | null;
  /** Fernet; null where signals need no signature. */
  signing_secret: string | null;
  /** JSON: a list of addresses and CIDRs; empty: any address. */
  allowed_addresses: string;
  created_at: number;
  changed_at: number;
  /** From then on it is deleted, and waits until its signals are gone. */
  deleted_at: number | null;
}

export interface SignalsTable {
  id: string;
  user_id: string;
  strategy_id: string;
  /** Null for a signal that was refused. */
  cursor: number | null;
  received_at: number;
  /** A SignalRefusal; null for one that was accepted. */
  refusal: string | null;
  /** Of a refused one: which field of the message was wrong, and how. */
  problem: string | null;
  /** Null where a refused signal was not read that far: these and the following ones. */
  action: string | null;
  exchange: string | null;
  trading_symbol: string | null;
  quantity: number | null;
  product: string | null;
  broker: string;
  price: number | null;
  client_id: string | null;
  /** Equal for two deliveries of one signal; null for a refused one. */
  dedupe_key: string | null;
  /** How often it was delivered again. */
  repeats: Generated<number>;
  /** 1 for one that the owner sent from the strategy's page: it never has a cursor. */
  is_test: Generated<number>;
}

/** The text of a strategy's last signals, without what looked like a secret. */
export interface SignalBodiesTable {
  signal_id: string;
  strategy_id: string;
  received_at: number;
  body: string;
}

/** Without a row, a person has the defaults. */
export interface UserSettingsTable {
  user_id: string;
  theme: string;
  date_format: string;
  alert_minutes: number;
  idle_timeout_ms: number | null;
  default_broker: string | null;
  /** Goes up with every change: tells whether a cached copy is still right. */
  version: number;
  /** The version whose idle limit the person's sessions have; another than `version` where that is still to be done. */
  idle_applied: number;
}

export interface TelegramBotsTable {
  user_id: string;
  /** Fernet. */
  bot_token: string;
  /** As Telegram calls it, without the @; null where Telegram could not be asked. */
  bot_name: string | null;
  /** Null until the person has said where messages go. */
  chat_id: string | null;
  /** Code that the user sends to the bot so that their chat is found. */
  link_code: string;
  /** A comma list of the events that they want to hear of. */
  events: string;
  /** Another one with every token: tells whether a cached copy is still right. */
  version: number;
  set_at: number;
  /** Why the last message could not be delivered; null since one was. */
  problem: string | null;
  /** Not before; while a node is sending, when its claim ends. */
  next_send_at: number;
  /** How often it was claimed: tells a claim from a later one. */
  claims: number;
  /** When Telegram last took or refused a message; 0 before the first. */
  answered_at: number;
  /** Milliseconds that were left after it. */
  pace_ms: number;
  /** Since Telegram last answered. */
  failures: number;
}

export interface TelegramMessagesTable {
  id: Generated<number>;
  user_id: string;
  kind: string;
  /** HTML as Telegram reads it. */
  body: string;
  created_at: number;
  /** Waits until then. */
  send_at: number;
  /** Of no use afterwards. */
  expires_at: number;
  status: 'open' | 'sent' | 'failed';
  /** Since when it has its status, but for open ones. */
  ended_at: number | null;
  /** Why it failed. */
  why: string | null;
  /** Messages that must exist once only share a key. */
  dedupe_key: string | null;
  /** The part that is added before it is sent: the receipt of a `sweep`. */
  awaits: string | null;
}

/** One row. */
export interface BanStateTable {
  id: number;
  /** Goes up with every change of bans, trusted addresses and rules: tells whether a copy is still right. */
  version: number;
  /** JSON: BanRules; null for the defaults. */
  rules: string | null;
}

export interface BansTable {
  id: Generated<number>;
  /** An IPv4 address, or the /64 of an IPv6 one. */
  subject: string;
  reason: string;
  note: string;
  /** Which one of the subject's automatic bans it is; 0 for one by hand. */
  offence: number;
  banned_by: string;
  banned_at: number;
  /** Null for a permanent one. */
  expires_at: number | null;
}

/** Hits that count towards a ban. They go when the ban is there. */
export interface BanHitsTable {
  id: Generated<number>;
  subject: string;
  cause: string;
  at: number;
}

export interface TrustedAddressesTable {
  /** An address or a CIDR. */
  block: string;
  note: string;
  added_by: string;
  added_at: number;
}

/** An address that a person has used while signed in. */
export interface KnownAddressesTable {
  /** An IPv4 address, or the /64 of an IPv6 one. */
  subject: string;
  user_id: string;
  /** The last time as far as it was written down: once a day at most. */
  last_at: number;
}

/** A request that was answered, or whose client went away. */
export interface TrafficLogTable {
  id: Generated<number>;
  /** When it came. */
  at: number;
  request_id: string;
  method: string;
  /** The route as it was declared; null where none answered. */
  pattern: string | null;
  path: string;
  route_class: string;
  status: number;
  /** Whether the client went away before it had the answer. */
  aborted: 0 | 1;
  duration_ms: number;
  bytes: number;
  user_id: string | null;
  /** As TRAFFIC_LOG_ADDRESSES has it; null where that is `off`. */
  address: string | null;
  /** How many requests the row stands for: more than one where refusals were counted, and this is the last of them. */
  requests: Generated<number>;
}

/** Counts of all requests, of those without a row as well. */
export interface TrafficHoursTable {
  /** The instant at which it begins. */
  hour: number;
  route_class: string;
  requests: number;
  not_found: number;
  /** 4xx without 404. */
  client_errors: number;
  server_errors: number;
  /** By how long they took: the buckets of core/latency-histogram.ts. */
  b0: number;
  b1: number;
  b2: number;
  b3: number;
  b4: number;
  b5: number;
  b6: number;
  b7: number;
  b8: number;
  b9: number;
}

/** Append-only: triggers refuse everything else. */
/** A figure that is out of its normal range, or was. */
export interface AlarmsTable {
  id: Generated<number>;
  /** Which figure of what: of a cause one row is open at a time. */
  cause: string;
  raised_at: number;
  /** When a node last saw the figure too high, or hardly below. */
  seen_at: number;
  ended_at: number | null;
  /** As it was when it was raised, and at the worst. Milliseconds, a share from 0 to 1, or a count: the cause says which. */
  figure: number;
  worst: number;
  /** Where normal ended. */
  normal: number;
  node: string;
  /** JSON: who asked most at that time, with how often, as TRAFFIC_LOG_ADDRESSES has it. */
  busiest: string;
}

/** One audit event. */
export interface AuditLogTable {
  /** The place in the chain: counts from 1 without a gap. */
  id: number;
  at: number;
  type: string;
  user_id: string | null;
  actor: string;
  address: string | null;
  request_id: string | null;
  /** JSON: the event. */
  detail: string;
  /** SHA-256 over this row and the hash of the one before it; storage/audit-hash.ts. */
  hash: string;
}

/** One row: the end of the chain. It is moved in the transaction that appends, and is the lock for that. */
export interface AuditHeadTable {
  id: number;
  seq: number;
  hash: string;
  /** The last row that was removed because of its age; 0 while none was. */
  pruned_seq: number;
  pruned_hash: string;
}

/** One row: how far the server has proved the chain by itself. */
export interface AuditChecksTable {
  id: number;
  seq: number;
  hash: string;
  /** 0: never yet. */
  checked_at: number;
  /** The problem that the last check found, in words; null where all was well. */
  problem: string | null;
}

/** When each rule of the gateway last let a request through. */
export interface GatewayUsesTable {
  /** Its name. */
  rule: string;
  used_at: number;
  /** Null under a public rule. */
  username: string | null;
}

/** Symbols that users watch on their dashboard. */
export interface WatchedSymbolsTable {
  user_id: string;
  /** As `NSE:INFY`. */
  symbol: string;
  added_at: number;
  /** The last price that was seen, in rupees; null before the first. */
  price: number | null;
  /** Of the trading day before that. */
  close: number | null;
  priced_at: number | null;
}
