import type { AuditOrigin } from '../core/audit-event.ts';

/** Who did it, as the audit log has it: whoever may use the shell and the secrets in .env. */
export const CLI_ORIGIN: AuditOrigin = { actor: 'cli' };
