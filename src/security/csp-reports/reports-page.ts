import { type RequestHandler, Router } from 'express';
import type { AuditLog } from '../../core/audit-event.ts';
import { auditOrigin } from '../../http/audit-origin.ts';
import type { CspMode } from '../../http/header-settings.ts';
import { methods } from '../../http/methods.ts';
import { renderPage } from '../../http/page.ts';
import { pageNumber, queryText } from '../../http/query-text.ts';
import type { RoutePolicy } from '../../http/route-policy.ts';
import { CSP_REPORTS_PATH } from '../../http/security-headers.ts';
import type { CspReportStore, StoredReport } from './csp-report-store.ts';
import { MOST_SORTS, type ReportIntake } from './report-intake.ts';
import { explainReport } from './report-words.ts';

export interface ReportsPageDeps {
  readonly store: Pick<CspReportStore, 'search' | 'clear'>;
  readonly intake: Pick<ReportIntake, 'write'>;
  readonly audit: AuditLog;
  /** CSP_MODE. */
  readonly mode: CspMode;
}

export const CSP_REPORTS_PAGE = '/security/csp-reports';
const CLEARING = `${CSP_REPORTS_PAGE}/clearing`;

export const REPORT_ROUTES: readonly RoutePolicy[] = [
  { path: CSP_REPORTS_PATH, class: 'public', limit: 'cspReports' },
  { path: CSP_REPORTS_PAGE, role: 'admin' },
  { path: CLEARING, role: 'admin', reauthenticate: ['get', 'post'] },
];

const PAGE_SIZE = 50;
const LONGEST_SEARCH = 60;

const NOTICES: ReadonlyMap<unknown, string> = new Map([
  ['cleared', 'The list is cleared. What comes from now on is new.'],
]);

/** What browsers have blocked on Curfew's pages, for administrators. */
export function createReportsRouter({ store, intake, audit, mode }: ReportsPageDeps): Router {
  const router = Router({ caseSensitive: true });

  const list: RequestHandler = async (req, res) => {
    const text = queryText(req, 'q', LONGEST_SEARCH);
    const page = pageNumber(req, 4);
    const offset = (page - 1) * PAGE_SIZE;
    const { reports, total } = await store.search({ text, offset, limit: PAGE_SIZE });
    renderPage(req, res, 'security/csp-reports/index', {
      title: 'CSP reports',
      reports: reports.map(toReportView),
      total,
      from: offset + 1,
      text,
      mode,
      mostSorts: MOST_SORTS,
      pages: {
        previous: page === 1 ? undefined : pageHref(text, page - 1),
        next: offset + reports.length < total ? pageHref(text, page + 1) : undefined,
      },
      notice: NOTICES.get(req.query['notice']),
    });
  };

  const confirmClearing: RequestHandler = async (req, res) => {
    const { total } = await store.search({ text: '', offset: 0, limit: 1 });
    renderPage(req, res, 'security/csp-reports/clearing', { title: 'Clear the CSP reports?', total });
  };

  const clear: RequestHandler = async (req, res) => {
    // What has gathered was there when somebody looked at the list.
    await intake.write();
    const reports = await store.clear();
    await audit.record({ type: 'csp_reports.cleared', reports }, auditOrigin(req, res));
    res.redirect(303, `${CSP_REPORTS_PAGE}?notice=cleared`);
  };

  methods(router, CSP_REPORTS_PAGE, { get: list });
  methods(router, CLEARING, { get: confirmClearing, post: clear });
  return router;
}

function toReportView({ directive, blocked, document, reports, firstAt, lastAt }: StoredReport) {
  return { ...explainReport(directive, blocked), directive, blocked, document, reports, firstAt, lastAt };
}

function pageHref(text: string, page: number): string {
  const query = new URLSearchParams({ ...(text === '' ? {} : { q: text }), page: String(page) });
  return `${CSP_REPORTS_PAGE}?${query}`;
}
