import type { Schema } from './schema.ts';

/**
 * Whether a write to a table is an act of a person, which counts only while their session does, or bookkeeping of the
 * server's own. A new table has to be named here before it compiles.
 */
export const TABLE_OWNERS = {
  installation: 'server',
  secret_checks: 'server',
  users: 'people',
  user_epochs: 'people',
  sessions: 'server',
  session_endings: 'server',
  revocations: 'people',
  broker_tokens: 'people',
  broker_authorizations: 'people',
  // A token that came too late for its session must still be ended at the broker.
  broker_logouts: 'server',
  broker_credentials: 'people',
  sandbox_codes: 'people',
  sandbox_tokens: 'people',
  sandbox_refresh_tokens: 'people',
  symbols: 'people',
  symbol_masters: 'people',
  symbol_imports: 'people',
  api_keys: 'people',
  address_registrations: 'people',
  strategies: 'people',
  signals: 'people',
  signal_cursors: 'people',
  user_settings: 'people',
  totp_factors: 'people',
  recovery_codes: 'people',
  // Used for people who are not signed in yet, too.
  single_uses: 'server',
  telegram_bots: 'people',
  telegram_messages: 'server',
  mail_messages: 'server',
  ban_state: 'people',
  bans: 'people',
  ban_offences: 'people',
  ban_hits: 'server',
  known_addresses: 'server',
  trusted_addresses: 'people',
  traffic_log: 'server',
  traffic_hours: 'server',
  alarms: 'server',
  audit_log: 'server',
  audit_head: 'server',
  audit_checks: 'server',
  audit_hours: 'server',
  bus_messages: 'server',
} as const satisfies Record<keyof Schema, 'people' | 'server'>;
