import type { ExpressionBuilder, Selectable } from 'kysely';
import type { Clock } from '../core/clock.ts';
import { SECOND_MS } from '../core/duration.ts';
import { CLOCK_SKEW_TOLERANCE_MS } from '../core/expiry.ts';
import type { Receipt, Revocation } from '../core/revocation.ts';
import { readStoredReceipt } from '../core/stored-revocation.ts';
import type { Database } from '../storage/database.ts';
import type { RevocationsTable, Schema } from '../storage/schema.ts';
import { toRevocation } from './revocation-history-store.ts';
import type { RevocationHolder } from './revocation-holder.ts';

/** A revocation as it is stored: what it is to do, and how far it got. */
export interface StoredRevocation {
  readonly revocation: Revocation;
  readonly receipt: Receipt | undefined;
  readonly attempts: number;
}

/** The revocations that are not done yet, and the nodes that work on them. */
export interface RevocationQueue {
  saveProgress(receipt: Receipt, attempts: number, nextAttemptAt: number): Promise<void>;
  /** Takes open revocations that no node works on. Two nodes never get the same one while its lease runs. */
  claimDue(limit: number): Promise<readonly StoredRevocation[]>;
  /** Revocations that failed in part and wait for their next try, or whose node died: not those in progress right now. */
  countWaiting(): Promise<number>;
  /** Open revocations that wait for their next try, and that no node works on, need not wait any longer. */
  hurryOpen(): Promise<void>;
  /** Nor need those whose holder is provably gone: for a server that starts again before their lease is over. */
  releaseFromDeadHolders(): Promise<void>;
  /** Drops revocations that are done and older than an instant (ms since the epoch); the audit log keeps their receipts. */
  deleteDoneBefore(instant: number): Promise<void>;
}

/** As long as a step may reasonably take; after that, the node that held the revocation counts as dead. */
export const LEASE_MS = 30 * SECOND_MS;

export function createRevocationQueue(
  { db }: Pick<Database, 'db'>,
  clock: Clock,
  holder: RevocationHolder,
): RevocationQueue {
  /** A sweep from the future waits until then: it was ordered by a clock that was wrong, and would end the present day. */
  const isOfThePast = (where: ExpressionBuilder<Schema, 'revocations'>) =>
    where.or([
      where('user_id', 'is not', null),
      where('ordered_at', '<=', clock.now() + CLOCK_SKEW_TOLERANCE_MS),
    ]);

  return {
    async saveProgress(receipt, attempts, nextAttemptAt) {
      await db
        .updateTable('revocations')
        .set({
          receipt: JSON.stringify(receipt),
          status: receipt.status === 'done' ? 'done' : 'open',
          attempts,
          next_attempt_at: nextAttemptAt,
          holder: null,
        })
        .where('id', '=', receipt.orderId)
        .execute();
    },

    async claimDue(limit) {
      const now = clock.now();
      const due = await db
        .selectFrom('revocations')
        .selectAll()
        .where('status', '=', 'open')
        .where('next_attempt_at', '<=', now)
        .where(isOfThePast)
        .orderBy('next_attempt_at')
        .limit(limit)
        .execute();
      const claimed: StoredRevocation[] = [];
      for (const row of due) {
        const { numUpdatedRows } = await db
          .updateTable('revocations')
          .set({ next_attempt_at: now + LEASE_MS, holder: holder.name })
          .where('id', '=', row.id)
          .where('next_attempt_at', '=', row.next_attempt_at)
          .executeTakeFirst();
        if (numUpdatedRows === 1n) claimed.push(toStored(row));
      }
      return claimed;
    },

    async countWaiting() {
      const { waiting } = await db
        .selectFrom('revocations')
        .select((select) => select.fn.countAll<number>().as('waiting'))
        .where('status', '=', 'open')
        .where((where) => where.or([where('attempts', '>', 0), where('next_attempt_at', '<=', clock.now())]))
        .where(isOfThePast)
        .executeTakeFirstOrThrow();
      return Number(waiting);
    },

    async deleteDoneBefore(instant) {
      await db
        .deleteFrom('revocations')
        .where('status', '=', 'done')
        .where('ordered_at', '<', instant)
        .execute();
    },

    async hurryOpen() {
      await db
        .updateTable('revocations')
        .set({ next_attempt_at: clock.now() })
        .where('status', '=', 'open')
        .where('holder', 'is', null)
        .execute();
    },

    async releaseFromDeadHolders() {
      const held = await db
        .selectFrom('revocations')
        .select('holder')
        .distinct()
        .where('status', '=', 'open')
        .execute();
      const gone = held.flatMap(({ holder: each }) => (each !== null && holder.isGone(each) ? [each] : []));
      if (gone.length === 0) return;
      await db
        .updateTable('revocations')
        .set({ next_attempt_at: clock.now(), holder: null })
        .where('status', '=', 'open')
        .where('holder', 'in', gone)
        .execute();
    },
  };
}

function toStored(row: Selectable<RevocationsTable>): StoredRevocation {
  return {
    revocation: toRevocation(row),
    receipt: readStoredReceipt(row.receipt),
    attempts: row.attempts,
  };
}
