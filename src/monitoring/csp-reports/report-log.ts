import type { Clock } from '../../core/clock.ts';
import { MINUTE_MS } from '../../core/duration.ts';
import type { Log } from '../../core/log.ts';
import type { CspReport } from './csp-report.ts';

export interface CountedReport extends CspReport {
  readonly reports: number;
  /** Milliseconds since the epoch. */
  readonly firstAt: number;
  readonly lastAt: number;
}

/** Reports of browsers to this process since it started. */
export interface ReportLog {
  /** Never throws, and waits for nothing. */
  add(reports: readonly CspReport[]): void;
  /** The latest first. */
  latest(): readonly CountedReport[];
  readonly total: number;
}

/** A policy that fits gets none; one that does not gets some dozens. */
export const MOST_REPORTS = 100;
/** Anyone can send a report, so a line for each would let a stranger fill the disk. */
const LOG_EVERY_MS = MINUTE_MS;

/** The same report again is counted; a new one pushes out the one that was not seen for the longest time. */
export function createReportLog({ clock, log }: { readonly clock: Clock; readonly log: Log }): ReportLog {
  const latest = new Map<string, CountedReport>();
  let total = 0;
  let unlogged = 0;
  let loggedAt = Number.NEGATIVE_INFINITY;

  function addOne(report: CspReport): void {
    const now = clock.now();
    const key = [report.directive, report.blocked, report.document].join('\n');
    const { reports = 0, firstAt = now } = latest.get(key) ?? {};
    latest.delete(key);
    latest.set(key, { ...report, reports: reports + 1, firstAt, lastAt: now });
    const [oldest] = latest.keys();
    if (latest.size > MOST_REPORTS && oldest !== undefined) latest.delete(oldest);
    total += 1;
    unlogged += 1;
    logNowAndThen(report, now);
  }

  function logNowAndThen(report: CspReport, now: number): void {
    // Also when the clock was set back.
    if (Math.abs(now - loggedAt) < LOG_EVERY_MS) return;
    log.info({ report, reports: unlogged }, 'Browsers reported content that the CSP blocks');
    unlogged = 0;
    loggedAt = now;
  }

  return {
    add: (reports) => reports.forEach(addOne),
    latest: () => [...latest.values()].reverse(),
    get total() {
      return total;
    },
  };
}
