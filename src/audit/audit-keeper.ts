import { type AuditLog, SYSTEM_ORIGIN } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import { DAY_MS, MINUTE_MS } from '../core/duration.ts';
import type { Log } from '../core/log.ts';
import { createPoller, type Poller } from '../core/poller.ts';
import type { AuditCheckStore } from './audit-check-store.ts';
import type { AuditPruning } from './audit-pruning.ts';
import { type AuditRowStore, headText } from './audit-row-store.ts';
import { verifyChain } from './chain-verification.ts';

export interface AuditKeeperDeps {
  readonly rows: AuditRowStore;
  readonly checks: AuditCheckStore;
  readonly pruning: AuditPruning;
  readonly calendar: Pick<CutoffCalendar, 'last'>;
  readonly clock: Clock;
  readonly audit: AuditLog;
  readonly log: Log;
}

export interface AuditKeeper {
  /** To be started once the server listens: looks once a minute whether it is time. */
  readonly watch: Pick<Poller, 'start' | 'stop'>;
  /** Does what is due: once after each cutoff, or once a day without one. */
  runIfDue(): Promise<void>;
}

/** The sweep writes a row for each person: the head is told when it is through. */
const AFTER_CUTOFF_MS = 10 * MINUTE_MS;
/** More than two nodes do. */
const CLOCKS_DIFFER_MS = MINUTE_MS;

/**
 * Once a day: verifies the rows since the last time, tells the log the head, and removes rows that are older than
 * they must be. The line in the log is a witness elsewhere: an attacker who rewrites the whole chain cannot rewrite that.
 */
export function createAuditKeeper(deps: AuditKeeperDeps): AuditKeeper {
  const { rows, checks, pruning, calendar, clock, audit, log } = deps;
  /** When this process last told its log, which may be another one than the other nodes'. */
  let toldAt = 0;

  const dueSince = (): number => {
    const cutoff = calendar.last() + AFTER_CUTOFF_MS;
    if (!Number.isFinite(cutoff)) return clock.now() - DAY_MS;
    return cutoff <= clock.now() ? cutoff : cutoff - DAY_MS;
  };

  /** A time in the future is from before the clock was put back, and says nothing. */
  const isDone = (at: number): boolean => at >= dueSince() && at <= clock.now() + CLOCKS_DIFFER_MS;

  async function check(): Promise<void> {
    const before = await checks.read();
    if (isDone(before.checkedAt)) return;
    const { problem, start, last } = await verifyChain(rows, { from: before.verified });
    const verified = problem === undefined ? last : before.verified;
    const isFirst = await checks.replace(before, {
      verified,
      checkedAt: clock.now(),
      problem: problem?.message,
    });
    if (problem !== undefined) {
      log.error(
        { seq: problem.seq, kind: problem.kind },
        `The audit log is broken. ${problem.message} ${problem.advice} To look at all of it: curfew audit verify`,
      );
    }
    // Another node has found the same.
    if (!isFirst) return;
    await audit.record(
      problem === undefined
        ? { type: 'audit.verified', fromSeq: start.seq + 1, ...last }
        : { type: 'audit.broken', seq: problem.seq, problem: problem.message },
      SYSTEM_ORIGIN,
    );
    // Where something is wrong, everything stays as it is found.
    if (problem === undefined) await pruning.run();
  }

  async function tellHead(): Promise<void> {
    if (isDone(toldAt)) return;
    const { head } = await rows.end();
    log.info(
      { seq: head.seq, hash: head.hash },
      `The head of the audit log is ${headText(head)}. To compare: curfew audit verify --head ${headText(head)}`,
    );
    toldAt = clock.now();
  }

  async function runIfDue(): Promise<void> {
    await check();
    await tellHead();
  }

  let failing = false;
  const watch = createPoller({
    intervalMs: MINUTE_MS,
    async work() {
      await runIfDue();
      failing = false;
    },
    onError(err) {
      if (!failing) log.error({ err }, 'The audit log could not be checked; it is tried again every minute');
      failing = true;
    },
  });

  return { watch, runIfDue };
}
