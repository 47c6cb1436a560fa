import type { Router } from 'express';
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { CspMode } from '../../http/header-settings.ts';
import { counter, type Metric } from '../../http/metrics.ts';
import { createReportEndpoint } from './report-endpoint.ts';
import { createReportLog } from './report-log.ts';
import type { ReportsPageDeps } from './reports-page.ts';

export interface CspReportRoomDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** BASE_URL: scheme, host and port, without a slash at the end. */
  readonly publicOrigin: string;
  /** CSP_MODE. */
  readonly mode: CspMode;
}

export interface CspReportRoom {
  /** What comes from browsers: in front of everything that parses bodies or loads sessions. */
  readonly endpoint: Router;
  readonly routes: ReportsPageDeps;
  readonly metrics: readonly Metric[];
}

/** The whole feature, wired. */
export function createCspReportRoom({ clock, log, publicOrigin, mode }: CspReportRoomDeps): CspReportRoom {
  const reportLog = createReportLog({ clock, log });
  return {
    endpoint: createReportEndpoint({ reportLog, publicOrigin }),
    routes: { reportLog, mode },
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
