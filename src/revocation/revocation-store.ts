import { randomUUID } from 'node:crypto';
import { type ExpressionBuilder, type Selectable, sql, type Transaction } from 'kysely';
import type { Clock } from '../core/clock.ts';
import { SECOND_MS } from '../core/duration.ts';
import { CLOCK_SKEW_TOLERANCE_MS } from '../core/expiry.ts';
import {
  leavesHeldConnections,
  type Receipt,
  type Revocation,
  type RevocationReason,
  type RevocationScope,
} from '../core/revocation.ts';
import { readStoredReceipt, readStoredScope } from '../core/stored-revocation.ts';
import { waitForActs } from '../storage/act-locks.ts';
import type { ChangeInTransaction } from '../storage/change-in-transaction.ts';
import type { Database } from '../storage/database.ts';
import type { RevocationsTable, Schema } from '../storage/schema.ts';
import { createRevocationHolder, type RevocationHolder } from './revocation-holder.ts';

/** A revocation as it is stored: what it is to do, and how far it got. */
export interface StoredRevocation {
  readonly revocation: Revocation;
  readonly receipt: Receipt | undefined;
  readonly attempts: number;
}

/** The outbox of revocations: a revocation is stored before its first step, and stays open until its last one is done. */
export interface RevocationStore {
  /**
   * Opens a revocation for everything of a user and, in the same transaction, raises the user's epoch: from that commit on
   * every token of theirs is dead to every reader, also while its steps fail.
   */
  openAccount(userId: string, reason: RevocationReason): Promise<Revocation>;
  /** The same with a change that calls for it, in one transaction; undefined, with the epoch as it was, where there was none. */
  openAccountWith(
    userId: string,
    reason: RevocationReason,
    change: ChangeInTransaction,
  ): Promise<Revocation | undefined>;
  /** The same; undefined, with the epoch as it was, when there is a revocation with the same `dedupeKey` already. */
  openAccountOnce(
    userId: string,
    reason: RevocationReason,
    dedupeKey: string,
  ): Promise<Revocation | undefined>;
  /** Opens any other revocation; undefined when one with the same `dedupeKey` exists already. */
  open(scope: RevocationScope, reason: RevocationReason, dedupeKey?: string): Promise<Revocation | undefined>;
  saveProgress(receipt: Receipt, attempts: number, nextAttemptAt: number): Promise<void>;
  /** Takes open revocations that no node works on. Two nodes never get the same one while its lease runs. */
  claimDue(limit: number): Promise<readonly StoredRevocation[]>;
  /** Revocations that failed in part and wait for their next try, or whose node died: not those in progress right now. */
  countWaiting(): Promise<number>;
  /** Revocations given at or after an instant (ms since the epoch), open and done, oldest first, in portions. */
  listSince(instant: number, portion: number): AsyncIterable<readonly Revocation[]>;
  /** Open revocations that wait for their next try, and that no node works on, need not wait any longer. */
  hurryOpen(): Promise<void>;
  /** Nor need those whose holder is provably gone: for a server that starts again before their lease is over. */
  releaseFromDeadHolders(): Promise<void>;
  /** Drops revocations that are done and older than an instant (ms since the epoch); the audit log keeps their receipts. */
  deleteDoneBefore(instant: number): Promise<void>;
  /**
   * Lets the cutoffs be swept when they come that a clock which was ahead has swept already: a sweep from the future
   * gives its `dedupeKey` back.
   */
  releaseFutureSweeps(): Promise<void>;
  /** Whether a sweep was ordered, whenever, that ends what began at this instant (ms since the epoch). */
  isSwept(instant: number): Promise<boolean>;
  /** The newest receipt that concerns this user, a cutoff for all included, and that ended something or is still to. */
  latestReceipt(userId: string): Promise<Receipt | undefined>;
  /** As far as it got; undefined for an unknown revocation, and for one that has not begun. */
  receiptOf(orderId: string): Promise<Receipt | undefined>;
  /** The latest cutoff that was swept, in ms since the epoch, finished or not. Sweeps at an operator's own instant don't count. */
  lastSweptCutoff(): Promise<number | undefined>;
}

/** Takes what a person keeps until the cutoff into the epoch that begins, in the transaction that raises it. */
export type CarryHeld = (trx: Transaction<Schema>, userId: string, epoch: number) => Promise<void>;

/** As long as a step may reasonably take; after that, the node that held the revocation counts as dead. */
const LEASE_MS = 30 * SECOND_MS;
const RECEIPTS_LOOKED_AT = 10;
const SWEEP_KEY = 'sweep:';

/** The `dedupeKey` of a cutoff's sweep. */
export const sweepKey = (cutoff: number): string => `${SWEEP_KEY}${cutoff}`;

export function createRevocationStore(
  database: Database,
  clock: Clock,
  holder: RevocationHolder = createRevocationHolder(),
  carryHeld: CarryHeld = async () => undefined,
): RevocationStore {
  const { db } = database;

  function toRow(revocation: Revocation, dedupeKey: string | undefined) {
    return {
      id: revocation.id,
      dedupe_key: dedupeKey ?? null,
      user_id: revocation.scope.kind === 'sweep' ? null : revocation.scope.userId,
      reason: revocation.reason,
      scope: JSON.stringify(revocation.scope),
      ordered_at: revocation.orderedAt,
      receipt: '',
      status: 'open' as const,
      attempts: 0,
      next_attempt_at: revocation.orderedAt + LEASE_MS,
      holder: holder.name,
    };
  }

  /** A sweep from the future waits until then: it was ordered by a clock that was wrong, and would end the present day. */
  const isOfThePast = (where: ExpressionBuilder<Schema, 'revocations'>) =>
    where.or([
      where('user_id', 'is not', null),
      where('ordered_at', '<=', clock.now() + CLOCK_SKEW_TOLERANCE_MS),
    ]);

  const openAccount = (
    userId: string,
    reason: RevocationReason,
    dedupeKey?: string,
    change?: ChangeInTransaction,
  ): Promise<Revocation | undefined> =>
    db.transaction().execute(async (trx) => {
      await waitForActs(trx, database, { userId });
      if (change !== undefined && !(await change(trx))) return undefined;
      const { epoch } = await trx
        .insertInto('user_epochs')
        .values({ user_id: userId, epoch: 1 })
        .onConflict((conflict) =>
          conflict.column('user_id').doUpdateSet({ epoch: sql`user_epochs.epoch + 1` }),
        )
        .returning('epoch')
        .executeTakeFirstOrThrow();
      const scope: RevocationScope = { kind: 'account', userId, throughEpoch: epoch - 1 };
      const revocation = { id: randomUUID(), scope, reason, orderedAt: clock.now() };
      const { numInsertedOrUpdatedRows } = await trx
        .insertInto('revocations')
        .values(toRow(revocation, dedupeKey))
        .onConflict((conflict) => conflict.column('dedupe_key').doNothing())
        .executeTakeFirst();
      if (numInsertedOrUpdatedRows === 1n) {
        if (leavesHeldConnections(reason)) await carryHeld(trx, userId, epoch);
        return revocation;
      }
      await trx
        .updateTable('user_epochs')
        .set({ epoch: epoch - 1 })
        .where('user_id', '=', userId)
        .execute();
      return undefined;
    });

  return {
    async openAccount(userId, reason) {
      const revocation = await openAccount(userId, reason);
      if (revocation === undefined) throw new Error('A revocation without a dedupe key was there already');
      return revocation;
    },

    openAccountOnce: openAccount,
    openAccountWith: (userId, reason, change) => openAccount(userId, reason, undefined, change),

    async open(scope, reason, dedupeKey) {
      return db.transaction().execute(async (trx) => {
        await waitForActs(trx, database, scope.kind === 'sweep' ? 'all_users' : { userId: scope.userId });
        const revocation = { id: randomUUID(), scope, reason, orderedAt: clock.now() };
        const { numInsertedOrUpdatedRows } = await trx
          .insertInto('revocations')
          .values(toRow(revocation, dedupeKey))
          .onConflict((conflict) => conflict.doNothing())
          .executeTakeFirst();
        return numInsertedOrUpdatedRows === 1n ? revocation : undefined;
      });
    },

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
        if (numUpdatedRows !== 1n) continue;
        claimed.push({
          revocation: toRevocation(row),
          receipt: readStoredReceipt(row.receipt),
          attempts: row.attempts,
        });
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

    async *listSince(instant, portion) {
      let after = { ordered_at: instant, id: '' };
      for (;;) {
        const rows = await db
          .selectFrom('revocations')
          .select(['id', 'user_id', 'scope', 'reason', 'ordered_at'])
          .where((where) =>
            where.or([
              where('ordered_at', '>', after.ordered_at),
              where.and([where('ordered_at', '=', after.ordered_at), where('id', '>', after.id)]),
            ]),
          )
          .orderBy('ordered_at')
          .orderBy('id')
          .limit(portion)
          .execute();
        const last = rows.at(-1);
        if (last === undefined) return;
        yield rows.map(toRevocation);
        after = last;
      }
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

    async releaseFutureSweeps() {
      await db
        .updateTable('revocations')
        .set({ dedupe_key: null })
        .where('dedupe_key', 'like', `${SWEEP_KEY}%`)
        .where('ordered_at', '>', clock.now() + CLOCK_SKEW_TOLERANCE_MS)
        .execute();
    },

    async isSwept(instant) {
      const sweeps = await db
        .selectFrom('revocations')
        .select(['scope', 'user_id', 'ordered_at'])
        .where('user_id', 'is', null)
        // A sweep is ordered after what it ends began, by any node's clock; one from the future, by a clock that was wrong.
        .where('ordered_at', '>=', instant - CLOCK_SKEW_TOLERANCE_MS)
        .where('ordered_at', '<=', clock.now() + CLOCK_SKEW_TOLERANCE_MS)
        .execute();
      return sweeps.map(readStoredScope).some((scope) => scope.kind === 'sweep' && scope.before > instant);
    },

    async latestReceipt(userId) {
      const rows = await db
        .selectFrom('revocations')
        .select('receipt')
        .where((where) => where.or([where('user_id', '=', userId), where('user_id', 'is', null)]))
        .where('receipt', '<>', '')
        .orderBy('ordered_at', 'desc')
        .limit(RECEIPTS_LOOKED_AT)
        .execute();
      return rows
        .flatMap((row) => readStoredReceipt(row.receipt) ?? [])
        .find((receipt) => receipt.lines.some((line) => line.count > 0 || line.status === 'queued'));
    },

    async receiptOf(orderId) {
      const row = await db
        .selectFrom('revocations')
        .select('receipt')
        .where('id', '=', orderId)
        .where('receipt', '<>', '')
        .executeTakeFirst();
      return row === undefined ? undefined : readStoredReceipt(row.receipt);
    },

    async lastSweptCutoff() {
      const row = await db
        .selectFrom('revocations')
        .select(['scope', 'user_id', 'ordered_at'])
        // The cutoffs in ms are all of the same length until the year 2286.
        .where('dedupe_key', 'like', `${SWEEP_KEY}%`)
        .orderBy('dedupe_key', 'desc')
        .limit(1)
        .executeTakeFirst();
      const scope = row === undefined ? undefined : readStoredScope(row);
      return scope?.kind === 'sweep' ? scope.before : undefined;
    },
  };
}

function toRevocation(
  row: Pick<Selectable<RevocationsTable>, 'id' | 'user_id' | 'scope' | 'reason' | 'ordered_at'>,
): Revocation {
  return {
    id: row.id,
    scope: readStoredScope(row),
    reason: row.reason as RevocationReason,
    orderedAt: row.ordered_at,
  };
}
