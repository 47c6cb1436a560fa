import express, { Router } from 'express';
import { methods } from '../../http/methods.ts';
import { CSP_REPORTS_PATH } from '../../http/security-headers.ts';
import { readCspReports } from './csp-report.ts';
import type { ReportLog } from './report-log.ts';

/** The two types that browsers send; of anything else nothing is read. */
const TYPES = ['application/csp-report', 'application/reports+json'];
const LARGEST_BODY = '16kb';

export interface ReportEndpointDeps {
  readonly reportLog: Pick<ReportLog, 'add'>;
  /** BASE_URL: scheme, host and port, without a slash at the end. */
  readonly publicOrigin: string;
}

/**
 * POST /csp-reports, where browsers say what the Content-Security-Policy has blocked (ASVS 3.4.7). Open to anyone: a browser sends
 * no token and may send no cookie. The answer is always the same, so that the sender does not learn what is believed.
 */
export function createReportEndpoint({ reportLog, publicOrigin }: ReportEndpointDeps): Router {
  const router = Router({ caseSensitive: true });
  methods(router, CSP_REPORTS_PATH, {
    post: [
      express.json({ type: TYPES, limit: LARGEST_BODY, inflate: false }),
      function takeReports(req, res) {
        reportLog.add(readCspReports(req.body, publicOrigin));
        res.status(204).set('Cache-Control', 'no-store').end();
      },
    ],
  });
  return router;
}
