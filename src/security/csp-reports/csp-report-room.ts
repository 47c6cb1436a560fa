import type { Router } from 'express';
import type { AuditLog } from '../../core/audit-event.ts';
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { Poller } from '../../core/poller.ts';
import type { CspMode } from '../../http/header-settings.ts';
import type { MetricSource } from '../../http/metrics.ts';
import type { Database } from '../../storage/database.ts';
import { createCspReportStore } from './csp-report-store.ts';
import { createReportEndpoint } from './report-endpoint.ts';
import { createReportIntake } from './report-intake.ts';
import type { ReportsPageDeps } from './reports-page.ts';

export interface CspReportRoomDeps {
  readonly database: Database;
  readonly clock: Clock;
  readonly audit: AuditLog;
  readonly log: Log;
  /** BASE_URL: scheme, host and port, without a slash at the end. */
  readonly publicOrigin: string;
  /** CSP_MODE. */
  readonly mode: CspMode;
}

export interface CspReportRoom {
  /** What comes from browsers: in front of everything that parses bodies or loads sessions. */
  readonly endpoint: Router;
  /** What the router of the page takes besides who may see it. */
  readonly routes: ReportsPageDeps;
  /** To be stopped when the server closes. */
  readonly writing: Pick<Poller, 'start' | 'stop'>;
  readonly metrics: MetricSource;
}

/** The whole room, wired. Opens nothing and starts nothing. */
export function createCspReportRoom(deps: CspReportRoomDeps): CspReportRoom {
  const store = createCspReportStore(deps.database);
  const intake = createReportIntake({ ...deps, store });

  return {
    endpoint: createReportEndpoint({ ...deps, intake }),
    routes: { ...deps, store, intake },
    writing: { start: () => undefined, stop: intake.stop },
    metrics: () => [
      {
        name: 'curfew_csp_reports_total',
        help: 'Reports of browsers about what the Content-Security-Policy blocked, taken and dropped.',
        type: 'counter',
        samples: (['taken', 'dropped'] as const).map((outcome) => ({
          labels: { outcome },
          value: intake.counts[outcome],
        })),
      },
    ],
  };
}
