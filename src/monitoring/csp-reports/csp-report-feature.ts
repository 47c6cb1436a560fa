import type { Router } from 'express';
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { Feature } from '../../http/feature.ts';
import type { CspMode } from '../../http/header-settings.ts';
import { counter } from '../../http/metrics.ts';
import { createReportEndpoint } from './report-endpoint.ts';
import { createReportLog } from './report-log.ts';
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
