import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ChainHead } from '../core/audit-chain.ts';
import type { AuditEvent } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import { DAY_MS } from '../core/duration.ts';
import { startOfIstHour } from '../core/ist.ts';
import { linkRows } from '../storage/audit-hash.ts';
import type { AuditChainStore } from './audit-chain-store.ts';
import type { AuditHourStore } from './audit-hour-store.ts';
import type { AuditRowStore } from './audit-row-store.ts';

export interface AuditPruningDeps {
  readonly chain: AuditChainStore;
  readonly rows: Pick<AuditRowStore, 'list' | 'end'>;
  readonly hours: Pick<AuditHourStore, 'forgetBefore'>;
  readonly clock: Clock;
  /** AUDIT_LOG_YEARS. */
  readonly years: number;
}

export interface AuditPruning {
  /** Removes rows that are older than they must be, from the oldest end only; returns how many. */
  run(): Promise<number>;
}

const DELETED_AT_ONCE = 500;
/** Rather a few days too long than one too short: leap days. */
const YEAR_MS = 366 * DAY_MS;
/** As long as charts look back. */
const HOURS_KEPT_MS = 400 * DAY_MS;

/**
 * First an event says which row is the last one to go, the head remembers it, and it goes, in one transaction; then those
 * before it go in batches. A run that is cut short goes on the next time. The triggers let only such rows go, and
 * those only after five years by the database's own clock: with a clock of ours that is ahead, nothing is declared.
 */
export function createAuditPruning({ chain, rows, hours, clock, years }: AuditPruningDeps): AuditPruning {
  async function lastBefore(instant: number, from: number, through: number): Promise<ChainHead | undefined> {
    let last: ChainHead | undefined;
    for await (const batch of rows.list(from, through)) {
      for (const { seq, hash, at } of batch) {
        // From the oldest end: one young row, and nothing behind it goes.
        if (at >= instant) return last;
        last = { seq, hash };
      }
      await nextTurn();
    }
    return last;
  }

  /** Returns how many rows went with it. */
  async function declare(): Promise<number> {
    const before = clock.now() - years * YEAR_MS;
    const { head, pruned } = await rows.end();
    const through = await lastBefore(before, pruned.seq, head.seq - 1);
    if (through === undefined) return 0;
    const { seq, hash } = through;
    const at = clock.now();
    const event: AuditEvent = { type: 'audit.pruned', fromSeq: pruned.seq + 1, seq, hash, before };
    const facts = {
      at,
      type: event.type,
      userId: null,
      actor: 'system',
      address: null,
      requestId: null,
      detail: JSON.stringify(event),
    };
    const hour = startOfIstHour(at);
    await chain.appendPruning(through, (current) => ({
      rows: linkRows(current, [facts]),
      hours: [{ hour, kind: event.type, events: 1 }],
    }));
    return 1;
  }

  return {
    async run() {
      let removed = await declare();
      await hours.forgetBefore(clock.now() - HOURS_KEPT_MS);
      for (;;) {
        const batch = await chain.deletePruned(DELETED_AT_ONCE);
        removed += batch;
        if (batch < DELETED_AT_ONCE) return removed;
        await nextTurn();
      }
    },
  };
}
