import type { CliCommand } from './command.ts';

export interface ListedCommand {
  readonly name: string;
  readonly summary: string;
  /** Loaded when it is called or asked about: help and mistakes answer at once. */
  load(): Promise<{ readonly command: CliCommand<never> }>;
}

export const GROUPS: Readonly<Record<string, string>> = {
  sessions: 'list and end sessions',
  users: 'create, disable and list accounts',
  bans: 'list, add and lift bans of addresses',
  audit: 'verify and export the audit log',
  keys: 'rotate ENCRYPTION_KEY, or go on without a lost secret',
  symbols: 'import instrument masters',
  'api-keys': 'list and revoke API keys',
  gateway: 'explain who may open which tool',
};

export const COMMANDS: readonly ListedCommand[] = [
  {
    name: 'sessions list',
    summary: 'list the live sessions, oldest first',
    load: () => import('./list-sessions.ts'),
  },
  {
    name: 'sessions revoke',
    summary: 'end the sessions and broker tokens of one user or of all',
    load: () => import('./revoke-sessions.ts'),
  },
  {
    name: 'sweep',
    summary: 'end everything from before the last cutoff; the server does this by itself',
    load: () => import('./sweep.ts'),
  },
  { name: 'users list', summary: 'list all accounts', load: () => import('./list-users.ts') },
  {
    name: 'users create',
    summary: 'create an account; prints a temporary password once, unless you give one',
    load: () => import('./create-user.ts'),
  },
  {
    name: 'users disable',
    summary: 'disable an account and end its sessions and tokens',
    load: () => import('./disable-user.ts'),
  },
  { name: 'users enable', summary: 'enable a disabled account', load: () => import('./enable-user.ts') },
  {
    name: 'users reset-factors',
    summary: 'remove the authenticator app, passkeys and recovery codes of a user who has lost them',
    load: () => import('./reset-factors.ts'),
  },
  {
    name: 'users reset-link',
    summary: 'print a link with which a user chooses a new password, once, within ten minutes',
    load: () => import('./reset-link.ts'),
  },
  {
    name: 'users reset-password',
    summary: 'set a new password; ends the sessions and tokens and revokes the API keys',
    load: () => import('./reset-password.ts'),
  },
  {
    name: 'bans list',
    summary: 'list the bans in force, oldest first',
    load: () => import('./list-bans.ts'),
  },
  {
    name: 'bans add',
    summary: 'ban an address; of an IPv6 address, its /64',
    load: () => import('./add-ban.ts'),
  },
  {
    name: 'bans remove',
    summary: 'lift a ban, also when no administrator can sign in',
    load: () => import('./remove-ban.ts'),
  },
  {
    name: 'gateway explain',
    summary: 'say by which rule of the gateway a request is let through or refused',
    load: () => import('./explain-gateway.ts'),
  },
  {
    name: 'audit verify',
    summary: 'verify that no row was edited, deleted or inserted; name the first broken one',
    load: () => import('./verify-audit.ts'),
  },
  {
    name: 'audit export',
    summary: 'write the audit log as JSON Lines, with the head of the chain last',
    load: () => import('./export-audit.ts'),
  },
  {
    name: 'backup',
    summary: 'copy the database while the server runs; on Postgres, print the commands for it',
    load: () => import('./backup/backup.ts'),
  },
  {
    name: 'restore',
    summary: 'replace the database with a backup; ends every session and token',
    load: () => import('./backup/restore.ts'),
  },
  {
    name: 'keys rotate',
    summary: 'encrypt all secrets with the first key of ENCRYPTION_KEY, while the server runs',
    load: () => import('./rotate-keys.ts'),
  },
  {
    name: 'keys accept',
    summary: 'accept a new PEPPER or ENCRYPTION_KEY when the old one is lost for good',
    load: () => import('./accept-secrets.ts'),
  },
  {
    name: 'symbols import',
    summary: 'replace a broker’s instruments with those of a file, while the server runs',
    load: () => import('./import-symbols.ts'),
  },
  { name: 'api-keys list', summary: 'list API keys, by owner', load: () => import('./list-api-keys.ts') },
  {
    name: 'api-keys revoke',
    summary: 'revoke one API key for good',
    load: () => import('./revoke-api-key.ts'),
  },
  {
    name: 'status',
    summary: 'say whether the server is up, since when, and what is open',
    load: () => import('./status.ts'),
  },
  {
    name: 'doctor',
    summary: 'check settings, database, Redis and clock, and say what to fix; changes nothing',
    load: () => import('./doctor/doctor.ts'),
  },
];
