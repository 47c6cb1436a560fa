import { type RequestHandler, Router } from 'express';
import type { CspMode } from '../../http/header-settings.ts';
import { methods } from '../../http/methods.ts';
import { renderPage } from '../../http/page.ts';
import { MOST_REPORTS, type ReportLog } from './report-log.ts';
import { explainReport } from './report-words.ts';

export interface ReportsPageDeps {
  readonly reportLog: Pick<ReportLog, 'latest'>;
  /** CSP_MODE. */
  readonly mode: CspMode;
  /** Lets administrators pass, asked anew for each request. */
  readonly requireAdmin: RequestHandler;
}

export const CSP_REPORTS_PAGE = '/security/csp-reports';

/** What browsers have blocked on Curfew's pages, for administrators. */
export function createReportsRouter({ reportLog, mode, requireAdmin }: ReportsPageDeps): Router {
  const router = Router({ caseSensitive: true });
  methods(router, CSP_REPORTS_PAGE, {
    get: [
      requireAdmin,
      function list(req, res) {
        const reports = reportLog
          .latest()
          .map((report) => ({ ...report, ...explainReport(report.directive, report.blocked) }));
        renderPage(req, res, 'security/csp-reports/index', {
          title: 'CSP reports',
          reports,
          mode,
          mostReports: MOST_REPORTS,
        });
      },
    ],
  });
  return router;
}
