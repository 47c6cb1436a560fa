import type { AuditOrigin } from '../core/audit-event.ts';

/** The actor in the audit log: a user of the shell who may read the secrets in .env. */
export const CLI_ORIGIN: AuditOrigin = { actor: 'cli' };
