import type { RequestHandler } from 'express';
import type { AuditLog } from '../core/audit-event.ts';
import { auditOrigin } from '../http/audit-origin.ts';
import { policyOf } from '../http/route-policy.ts';

/**
 * Records that a list was taken out, also where that was broken off before its end. The audit log's own export is recorded
 * before its first line.
 */
export function createExportWatch(audit: AuditLog): RequestHandler {
  return function exportWatch(req, res, next) {
    const { exports: what, path } = policyOf(req);
    if (what === undefined || req.method !== 'GET') return next();
    res.once('close', () => {
      if (res.statusCode !== 200) return;
      const scope = path.endsWith('.csv') ? 'as CSV' : 'as JSON';
      void audit.record({ type: 'export.taken', what, scope }, auditOrigin(req, res));
    });
    next();
  };
}
