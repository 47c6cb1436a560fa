/** Kinds of events to choose from, by the beginning of their types. */
export const AUDIT_GROUPS = [
  {
    id: 'sign-ins',
    label: 'Signing in',
    prefixes: [
      'login.',
      'identity.',
      'totp.',
      'passkey.',
      'passkeys.',
      'recovery_codes.',
      'reset.',
      'password.',
    ],
  },
  { id: 'endings', label: 'Sessions and revocations', prefixes: ['session.', 'revocation.'] },
  { id: 'people', label: 'People and roles', prefixes: ['account.', 'user.', 'role.', 'invitation.'] },
  { id: 'brokers', label: 'Brokers', prefixes: ['broker.'] },
  { id: 'api-keys', label: 'API keys', prefixes: ['api_key.'] },
  { id: 'strategies', label: 'Strategies and signals', prefixes: ['strategy.', 'signal.'] },
  { id: 'settings', label: 'Settings and Telegram', prefixes: ['settings.', 'telegram.'] },
  {
    id: 'bans',
    label: 'Bans and allowlist',
    prefixes: ['ban.', 'bans.', 'allowlist.', 'thresholds.'],
  },
  { id: 'refusals', label: 'Refused requests', prefixes: ['request.', 'csp_reports.', 'csp.'] },
  { id: 'alerts', label: 'Alerts', prefixes: ['alert.', 'alarm.'] },
  {
    id: 'server',
    label: 'Server: limits, keys, imports',
    prefixes: ['policy.', 'keys.', 'symbols.', 'backup.', 'restore.'],
  },
  { id: 'audit', label: 'Exports and this log', prefixes: ['export.', 'audit.'] },
] as const;

export type AuditGroupId = (typeof AUDIT_GROUPS)[number]['id'];

/** Which of the types that occur belong to a group. */
export function typesOfGroup(id: AuditGroupId, types: readonly string[]): readonly string[] {
  const prefixes: readonly string[] = AUDIT_GROUPS.find((group) => group.id === id)?.prefixes ?? [];
  return types.filter((type) => prefixes.some((prefix) => type.startsWith(prefix)));
}
