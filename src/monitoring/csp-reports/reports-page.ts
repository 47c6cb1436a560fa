import { Router } from 'express';
import type { CspMode } from '../../http/header-settings.ts';
import { methods } from '../../http/methods.ts';
import { renderPage } from '../../http/page.ts';
import type { RoutePolicy } from '../../http/route-policy.ts';
import { CSP_REPORTS_PATH } from '../../http/security-headers.ts';
import { CSP_DIRECTIVES, type CspDirective } from './csp-report.ts';
import { MOST_REPORTS, type ReportLog } from './report-log.ts';

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

const SCRIPT = 'A script was kept from running.';
const STYLE = 'A style was kept from the page.';

/** Effects, without the names of directives. */
const PREVENTED: Readonly<Record<CspDirective, string>> = {
  'script-src': SCRIPT,
  'script-src-elem': SCRIPT,
  'script-src-attr': 'A script in an attribute of the page was kept from running.',
  'style-src': STYLE,
  'style-src-elem': STYLE,
  'style-src-attr': 'A style in an attribute of the page was ignored.',
  'img-src': 'A picture was not loaded.',
  'font-src': 'A font was not loaded.',
  'connect-src': 'A script was kept from talking to an address.',
  'manifest-src': 'A manifest was not loaded.',
  'media-src': 'Sound or video was not loaded.',
  'worker-src': 'A worker was not started.',
  'frame-src': 'A page within the page was not loaded.',
  'object-src': 'A plug-in was not loaded.',
  'form-action': 'A form was kept from being sent, or from leading on, to an address.',
  'frame-ancestors': 'Another page was kept from showing this one inside of it.',
  'base-uri': 'The page was kept from changing what its addresses are relative to.',
};

const EXTENSION = /^(?:moz|chrome|safari-web|safari|ms-browser)-extension$/;

interface ReportWords {
  readonly prevented: string;
  readonly likely: string;
}

/** A report in plain words, and its most likely cause. */
export function explainReport(directive: string, blocked: string): ReportWords {
  const known = CSP_DIRECTIVES.find((each) => each === directive);
  return {
    prevented: known === undefined ? 'Something was prevented.' : PREVENTED[known],
    likely: likelyCause(directive, blocked),
  };
}

function likelyCause(directive: string, blocked: string): string {
  if (EXTENSION.test(blocked)) return 'A browser extension. Nothing to do.';
  if (blocked === 'inline' || blocked === 'eval' || blocked === 'wasm-eval')
    return 'Usually a browser extension; Curfew’s pages have no such code. If many browsers report it on one page, text may have been injected into that page as code.';
  if (blocked === 'data' || blocked === 'blob') return 'Usually a browser extension.';
  if (directive === 'form-action')
    return 'A broker’s sign-in that leads on to another address, or a form that was tampered with.';
  if (directive === 'frame-ancestors')
    return 'A site that shows Curfew in a frame, which is how clicks are stolen.';
  if (/^(?:https?|wss?):/.test(blocked))
    return 'An extension, a proxy that changes pages, or something that you added and did not allow in CSP_EXTRA.';
  return 'Unknown.';
}
