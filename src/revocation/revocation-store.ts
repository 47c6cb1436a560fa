import { randomUUID } from 'node:crypto';
import { sql, type Transaction } from 'kysely';
import type { Clock } from '../core/clock.ts';
import { CLOCK_SKEW_TOLERANCE_MS } from '../core/expiry.ts';
import {
  leavesHeldConnections,
  type Revocation,
  type RevocationReason,
  type RevocationScope,
} from '../core/revocation.ts';
import { waitForActs } from '../storage/act-locks.ts';
import type { ChangeInTransaction } from '../storage/change-in-transaction.ts';
import type { Database } from '../storage/database.ts';
import type { Schema } from '../storage/schema.ts';
import { createRevocationHistory, type RevocationHistory, SWEEP_KEY } from './revocation-history-store.ts';
import { createRevocationHolder, type RevocationHolder } from './revocation-holder.ts';
import { createRevocationQueue, LEASE_MS, type RevocationQueue } from './revocation-queue-store.ts';

/** The outbox of revocations: a revocation is stored before its first step, and stays open until its last one is done. */
export interface RevocationStore extends RevocationQueue, RevocationHistory {
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
  /**
   * Lets the cutoffs be swept when they come that a clock which was ahead has swept already: a sweep from the future
   * gives its `dedupeKey` back.
   */
  releaseFutureSweeps(): Promise<void>;
}

/** Takes what a person keeps until the cutoff into the epoch that begins, in the transaction that raises it. */
export type CarryHeld = (trx: Transaction<Schema>, userId: string, epoch: number) => Promise<void>;

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
    ...createRevocationQueue(database, clock, holder),
    ...createRevocationHistory(database, clock),

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

    async releaseFutureSweeps() {
      await db
        .updateTable('revocations')
        .set({ dedupe_key: null })
        .where('dedupe_key', 'like', `${SWEEP_KEY}%`)
        .where('ordered_at', '>', clock.now() + CLOCK_SKEW_TOLERANCE_MS)
        .execute();
    },
  };
}
