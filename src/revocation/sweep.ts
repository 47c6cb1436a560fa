import { type AuditOrigin, SYSTEM_ORIGIN } from '../core/audit-event.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import { toIstIso } from '../core/ist.ts';
import type { Log } from '../core/log.ts';
import type { Receipt } from '../core/revocation.ts';
import { type RevocationStore, sweepKey } from './revocation-store.ts';
import type { Revoker } from './revoker.ts';

export interface SweepDeps {
  readonly calendar: CutoffCalendar;
  readonly revoker: Revoker;
  readonly revocations: Pick<RevocationStore, 'releaseFutureSweeps'>;
  readonly log: Log;
}

export interface Sweep {
  /**
   * Ends everything from before the last cutoff, unless that was done already, here or on another node.
   * Undefined when there was nothing to do. Rejects when the database does not answer: call again.
   */
  runIfDue(origin?: AuditOrigin): Promise<Receipt | undefined>;
  /** The same for a cutoff of one's own choice: for operators. */
  run(before: number, origin: AuditOrigin): Promise<Receipt | undefined>;
  /** When the next one is due, in ms since the epoch: now if the last cutoff was not swept yet. */
  dueAt(): number;
}

/** One revocation for each cutoff: its key in the revocation store is the lock, and a revocation whose node dies is taken over. */
export function createSweep({ calendar, revoker, revocations, log }: SweepDeps): Sweep {
  let swept = Number.NaN;

  return {
    async runIfDue(origin = SYSTEM_ORIGIN) {
      const cutoff = calendar.last();
      if (cutoff === Number.NEGATIVE_INFINITY || swept === cutoff) return undefined;
      await revocations.releaseFutureSweeps();
      const receipt = await revoker.revoke(
        { kind: 'sweep', before: cutoff },
        'cutoff',
        origin,
        sweepKey(cutoff),
      );
      swept = cutoff;
      if (receipt !== undefined) logReceipt(log, receipt, cutoff);
      return receipt;
    },
    async run(before, origin) {
      const receipt = await revoker.revoke({ kind: 'sweep', before }, 'cutoff', origin);
      if (receipt !== undefined) logReceipt(log, receipt, before);
      return receipt;
    },
    dueAt: () => {
      const cutoff = calendar.last();
      return cutoff === swept || cutoff === Number.NEGATIVE_INFINITY ? calendar.next() : cutoff;
    },
  };
}

function logReceipt(log: Log, receipt: Receipt, cutoff: number): void {
  const counts = Object.fromEntries(receipt.lines.map((line) => [line.step, line.count]));
  // A server that starts for the first time has carried out nothing.
  const isEmpty = receipt.status === 'done' && receipt.lines.every(({ count = 0 }) => count === 0);
  const words = isEmpty
    ? `There was nothing to end from before the cutoff of ${toIstIso(cutoff)}`
    : `The cutoff of ${toIstIso(cutoff)} was carried out`;
  log.info({ revocation: receipt.orderId, status: receipt.status, ...counts }, words);
}
