import type { RequestHandler } from 'express';
import type { AuditEvent, AuditLog } from '../core/audit-event.ts';
import { auditOrigin } from '../http/audit-origin.ts';

type Exported = Extract<AuditEvent, { type: 'export.taken' }>['what'];

/** Where other rooms hand data out in one piece. The audit log's own export is recorded before its first line. */
const EXPORTS: ReadonlyMap<string, Exported> = new Map([
  ['/security/bans/export.csv', 'bans'],
  ['/security/bans/export.json', 'bans'],
  ['/security/traffic/export.csv', 'traffic'],
]);

/** Records that somebody took such a list out, also where they broke off before its end. */
export function createExportWatch(audit: AuditLog): RequestHandler {
  return function exportWatch(req, res, next) {
    // The router takes an address with a slash behind it for the same.
    const path = req.path.replace(/\/$/, '');
    const what = EXPORTS.get(path);
    if (what === undefined || req.method !== 'GET') return next();
    res.once('close', () => {
      if (res.statusCode !== 200) return;
      const scope = path.endsWith('.csv') ? 'as CSV' : 'as JSON';
      void audit.record({ type: 'export.taken', what, scope }, auditOrigin(req, res));
    });
    next();
  };
}
