import { Router } from 'express';
import type { CspMode } from '../../http/header-settings.ts';
import { methods } from '../../http/methods.ts';
import { renderPage } from '../../http/page.ts';
import type { RoutePolicy } from '../../http/route-policy.ts';
import { CSP_REPORTS_PATH } from '../../http/security-headers.ts';
import { MOST_REPORTS, type ReportLog } from './report-log.ts';
import { explainReport } from './report-words.ts';

export interface ReportsPageDeps {
  readonly reportLog: Pick<ReportLog, 'latest'>;
  /** CSP_MODE. */
  readonly mode: CspMode;
}

export const CSP_REPORTS_PAGE = '/security/csp-reports';

export const REPORT_ROUTES: readonly RoutePolicy[] = [
  { path: CSP_REPORTS_PATH, class: 'public', limit: 'cspReports' },
  { path: CSP_REPORTS_PAGE, role: 'admin' },
];

/** Blocked content on Curfew's pages, for administrators. */
export function createReportsRouter({ reportLog, mode }: ReportsPageDeps): Router {
  const router = Router({ caseSensitive: true });
  methods(router, CSP_REPORTS_PAGE, {
    get: function list(req, res) {
      const reports = reportLog
        .latest()
        .map((report) => ({ ...report, ...explainReport(report.directive, report.blocked) }));
      renderPage(req, res, 'monitoring/csp-reports', {
        title: 'CSP reports',
        reports,
        mode,
        mostReports: MOST_REPORTS,
      });
    },
  });
  return router;
}
