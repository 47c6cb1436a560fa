import type { Selectable } from 'kysely';
import type { Clock } from '../core/clock.ts';
import { CLOCK_SKEW_TOLERANCE_MS } from '../core/expiry.ts';
import type { Receipt, Revocation, RevocationReason } from '../core/revocation.ts';
import { readStoredReceipt, readStoredScope } from '../core/stored-revocation.ts';
import type { Database } from '../storage/database.ts';
import type { RevocationsTable } from '../storage/schema.ts';

/** Revocations and their results. */
export interface RevocationHistory {
  /** Revocations given at or after an instant (ms since the epoch), open and done, oldest first, in batches. */
  listSince(instant: number, batch: number): AsyncIterable<readonly Revocation[]>;
  /** Whether a sweep was ordered, whenever, that ends what began at this instant (ms since the epoch). */
  isSwept(instant: number): Promise<boolean>;
  /** The newest receipt that concerns this user, a cutoff for all included, and that ended something or is still to. */
  latestReceipt(userId: string): Promise<Receipt | undefined>;
  /** As far as it got; undefined for an unknown revocation, and for one that has not begun. */
  receiptOf(orderId: string): Promise<Receipt | undefined>;
  /** The latest cutoff that was swept, in ms since the epoch, finished or not. Sweeps at an operator's own instant don't count. */
  lastSweptCutoff(): Promise<number | undefined>;
}

const RECEIPTS_LOOKED_AT = 10;
/** The beginning of the `dedupeKey` of each cutoff's sweep. */
export const SWEEP_KEY = 'sweep:';

export function createRevocationHistory({ db }: Pick<Database, 'db'>, clock: Clock): RevocationHistory {
  return {
    async *listSince(instant, batch) {
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
          .limit(batch)
          .execute();
        const last = rows.at(-1);
        if (last === undefined) return;
        yield rows.map(toRevocation);
        after = last;
      }
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

export function toRevocation(
  row: Pick<Selectable<RevocationsTable>, 'id' | 'user_id' | 'scope' | 'reason' | 'ordered_at'>,
): Revocation {
  return {
    id: row.id,
    scope: readStoredScope(row),
    reason: row.reason as RevocationReason,
    orderedAt: row.ordered_at,
  };
}
