import type { Clock } from '../core/clock.ts';
import { CLOCK_SKEW_TOLERANCE_MS } from '../core/expiry.ts';
import type { Receipt, RevocationReason } from '../core/revocation.ts';
import { readStoredReceipt } from '../core/stored-revocation.ts';
import type { Database } from '../storage/database.ts';

/** A revocation that was given and is not carried out, as an administrator looks at it. Instants in ms since the epoch. */
export interface PendingRevocation {
  readonly id: string;
  /** Undefined for a sweep, which concerns all users, and where the account is gone. */
  readonly username: string | undefined;
  readonly reason: RevocationReason;
  readonly orderedAt: number;
  readonly attempts: number;
  readonly nextAttemptAt: number;
  /** How far it got; undefined where its node died before the first step. */
  readonly receipt: Receipt | undefined;
}

/** The outbox for people: revocations that failed in part or whose node died, not those in progress right now. */
export interface PendingRevocationStore {
  /** The oldest first. */
  list(limit: number): Promise<readonly PendingRevocation[]>;
  /** How many there are, and since when the oldest waits. */
  summary(): Promise<{ readonly waiting: number; readonly oldestOrderedAt: number | undefined }>;
}

export function createPendingRevocationStore({ db }: Database, clock: Clock): PendingRevocationStore {
  /** A sweep from the future was ordered by a clock that was wrong: it waits for its day. */
  const selectWaiting = () =>
    db
      .selectFrom('revocations')
      .where('status', '=', 'open')
      .where('ordered_at', '<=', clock.now() + CLOCK_SKEW_TOLERANCE_MS)
      .where((where) => where.or([where('attempts', '>', 0), where('next_attempt_at', '<=', clock.now())]));

  return {
    async list(limit) {
      const rows = await selectWaiting()
        .leftJoin('users', 'users.id', 'revocations.user_id')
        .select([
          'revocations.id',
          'username',
          'reason',
          'ordered_at',
          'attempts',
          'next_attempt_at',
          'receipt',
        ])
        .orderBy('ordered_at')
        .limit(limit)
        .execute();
      return rows.map((row) => ({
        id: row.id,
        username: row.username ?? undefined,
        reason: row.reason as RevocationReason,
        orderedAt: row.ordered_at,
        attempts: row.attempts,
        nextAttemptAt: row.next_attempt_at,
        receipt: readStoredReceipt(row.receipt),
      }));
    },

    async summary() {
      const { waiting, oldest } = await selectWaiting()
        .select((select) => [
          select.fn.countAll<number>().as('waiting'),
          select.fn.min<number | null>('ordered_at').as('oldest'),
        ])
        .executeTakeFirstOrThrow();
      return { waiting: Number(waiting), oldestOrderedAt: oldest ?? undefined };
    },
  };
}
