import type { Generated } from 'kysely';

/**
 * The tables, as Kysely sees them on both databases. Instants are milliseconds since the epoch in a BIGINT;
 * truth values are 0 and 1, so that one statement serves SQLite and Postgres.
 */
export interface Schema {
  installation: { id: number; created_at: number };
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
  audit_log: AuditLogTable;
  bus_messages: { id: Generated<number>; sent_at: number; sender: string; body: string };
}

export interface UsersTable {
  id: string;
  username: string;
  /** The username as compared: NFKC, lower case. Unique. */
  username_key: string;
  email: string;
  password_hash: string;
  role: 'admin' | 'user';
  disabled: 0 | 1;
  created_at: number;
}

export interface SessionsTable {
  sid: string;
  /** The database would take null in these three: visitors without a user used to have rows of their own. */
  user_id: string;
  epoch: number;
  login_time: number;
  /** The last request but for polling ones; exact to the minute. The idle clock. */
  last_seen: number;
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
  /** Until then somebody is working on it, or waits before the next try. */
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
  /** The user's epoch when the token was issued: a token of an earlier epoch is dead, whatever else the row says. */
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

export interface AuditLogTable {
  id: Generated<number>;
  at: number;
  type: string;
  user_id: string | null;
  actor: string;
  address: string | null;
  request_id: string | null;
  /** JSON: the event. */
  detail: string;
}
