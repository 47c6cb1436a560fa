import type { Clock } from '../../core/clock.ts';
import { HOUR_MS, SECOND_MS } from '../../core/duration.ts';
import type { Log } from '../../core/log.ts';
import type { CspReport } from './csp-report.ts';
import type { CountedReport, CspReportStore } from './csp-report-store.ts';

/** Takes reports from whoever sends some, and writes them now and then. */
export interface ReportIntake {
  /** Never throws, and waits for nothing. */
  take(reports: readonly CspReport[]): void;
  /** Writes what has gathered. Never rejects. */
  write(): Promise<void>;
  /** Writes what has gathered, and nothing more by itself. */
  stop(): Promise<void>;
  /** Since the process started. */
  readonly counts: { readonly taken: number; readonly dropped: number };
}

export interface ReportIntakeDeps {
  readonly store: Pick<CspReportStore, 'add'>;
  readonly clock: Clock;
  readonly log: Log;
}

const WRITE_EVERY_MS = 2 * SECOND_MS;
/** Sorts in the database. A policy that fits has none; one that does not has some dozens. */
export const MOST_SORTS = 500;
/** Sorts that one node lets in in an hour. Who makes reports up pushes out no more than so many genuine ones. */
export const NEW_SORTS_PER_HOUR = 100;

/**
 * Reports of the same sort become a count. What one node has let in within this hour, however often it comes, is one row; a
 * sort that is one too many in this hour is dropped, and counted.
 */
export function createReportIntake({ store, clock, log }: ReportIntakeDeps): ReportIntake {
  const counts = { taken: 0, dropped: 0 };
  let waiting = new Map<string, CountedReport>();
  let known = new Set<string>();
  let knownSince = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  function isLetIn(key: string): boolean {
    const now = clock.now();
    // Also where the clock was put back.
    if (Math.abs(now - knownSince) >= HOUR_MS) {
      known = new Set();
      knownSince = now;
    }
    if (!known.has(key) && known.size < NEW_SORTS_PER_HOUR) known.add(key);
    return known.has(key);
  }

  function takeOne(report: CspReport): void {
    const key = [report.directive, report.blocked, report.document].join('\n');
    if (!isLetIn(key)) {
      counts.dropped += 1;
      return;
    }
    counts.taken += 1;
    waiting.set(key, { ...report, reports: (waiting.get(key)?.reports ?? 0) + 1 });
  }

  async function write(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    if (waiting.size === 0) return;
    const reports = [...waiting.values()];
    waiting = new Map();
    try {
      await store.add(reports, clock.now(), MOST_SORTS);
    } catch (error) {
      counts.dropped += reports.length;
      log.warn({ err: error }, 'Reports of what browsers have blocked could not be written');
    }
  }

  return {
    take(reports) {
      for (const report of reports) takeOne(report);
      if (waiting.size > 0 && !stopped) timer ??= setTimeout(write, WRITE_EVERY_MS).unref();
    },
    write,
    async stop() {
      stopped = true;
      await write();
    },
    counts,
  };
}
