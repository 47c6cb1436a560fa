import type { Request, Response } from 'express';
import type { AuditOrigin } from '../core/audit-event.ts';
import { clientAddress } from './client-address.ts';
import type { Viewer } from './page.ts';

/** Who asked for this and from where, for the audit log. `actor` where the person is not signed in (yet). */
export function auditOrigin(req: Request, res: Response, actor?: string): AuditOrigin {
  const viewer = res.locals['viewer'] as Viewer | undefined;
  return {
    actor: actor ?? viewer?.username ?? 'anonymous',
    address: clientAddress(req),
    requestId: String(res.locals['requestId'] ?? ''),
  };
}
