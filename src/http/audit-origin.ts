import type { Request, Response } from 'express';
import type { AuditOrigin } from '../core/audit-event.ts';
import { clientAddress } from './client-address.ts';
import type { Viewer } from './page.ts';

const USER_AGENT_LENGTH = 300;

/** Who asked for this and from where, for the audit log. `actor` where the person is not signed in (yet). */
export function auditOrigin(req: Request, res: Response, actor?: string): AuditOrigin {
  const viewer = res.locals['viewer'] as Viewer | undefined;
  const userAgent = req.get('user-agent');
  const deviceId = req.session?.deviceId;
  return {
    actor: actor ?? viewer?.username ?? 'anonymous',
    address: clientAddress(req),
    requestId: String(res.locals['requestId'] ?? ''),
    ...(userAgent === undefined ? {} : { userAgent: userAgent.slice(0, USER_AGENT_LENGTH) }),
    ...(deviceId === undefined ? {} : { deviceId }),
  };
}
