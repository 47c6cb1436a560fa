import express, { Router } from 'express';
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { Feature } from '../../http/feature.ts';
import type { CspMode } from '../../http/header-settings.ts';
import { methods } from '../../http/methods.ts';
import { counter } from '../../http/metrics.ts';
import { CSP_REPORTS_PATH } from '../../http/security-headers.ts';
import { readCspReports } from './csp-report.ts';
import { createReportLog, type ReportLog } from './report-log.ts';
import { createReportsRouter } from './reports-page.ts';

export interface CspReportFeatureDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** BASE_URL: scheme, host and port, without a slash at the end. */
  readonly publicOrigin: string;
  /** CSP_MODE. */
  readonly mode: CspMode;
}

export interface CspReportFeature extends Feature {
  /** Reports from browsers: in front of everything that parses bodies or loads sessions. */
  readonly endpoint: Router;
}

/** The whole feature, wired. */
export function createCspReportFeature({
  clock,
  log,
  publicOrigin,
  mode,
}: CspReportFeatureDeps): CspReportFeature {
  const reportLog = createReportLog({ clock, log });
  return {
    endpoint: createReportEndpoint({ reportLog, publicOrigin }),
    router: createReportsRouter({ reportLog, mode }),
    metrics: [
      counter({
        name: 'curfew_csp_reports_total',
        help: 'Reports of browsers about what the Content-Security-Policy blocked.',
        labelNames: [],
        read: () => reportLog.total,
      }),
    ],
  };
}

/** The two types that browsers send; of anything else nothing is read. */
const TYPES = ['application/csp-report', 'application/reports+json'];
const LARGEST_BODY = '16kb';

interface ReportEndpointDeps {
  readonly reportLog: Pick<ReportLog, 'add'>;
  /** BASE_URL: scheme, host and port, without a slash at the end. */
  readonly publicOrigin: string;
}

/**
 * POST /csp-reports, where browsers say what the Content-Security-Policy has blocked (ASVS 3.4.7). Open to anyone: a browser sends
 * no token and may send no cookie. The answer is always the same, so that the sender does not learn what is believed.
 */
function createReportEndpoint({ reportLog, publicOrigin }: ReportEndpointDeps): Router {
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
