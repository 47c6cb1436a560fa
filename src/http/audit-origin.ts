import type { Request, Response } from 'express';
import type { AuditOrigin } from '../core/audit-event.ts';
import { clientAddress } from './client-address.ts';
import type { Viewer } from './page.ts';
import { userAgentOf } from './user-agent.ts';

/** Actor and address of a request, for the audit log. `actor` where the user is not signed in (yet). */
export function auditOrigin(req: Request, res: Response, actor?: string): AuditOrigin {
  const viewer = res.locals['viewer'] as Viewer | undefined;
  const userAgent = userAgentOf(req);
  const deviceId = req.session?.deviceId;
  return {
    actor: actor ?? viewer?.username ?? 'anonymous',
    address: clientAddress(req),
    requestId: String(res.locals['requestId'] ?? ''),
    ...(userAgent === undefined ? {} : { userAgent }),
    ...(deviceId === undefined ? {} : { deviceId }),
  };
}
