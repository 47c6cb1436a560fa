import type { AuditOrigin } from '../core/audit-event.ts';

/** Who did it, as the audit log has it: a user of the shell who may read the secrets in .env. */
export const CLI_ORIGIN: AuditOrigin = { actor: 'cli' };
