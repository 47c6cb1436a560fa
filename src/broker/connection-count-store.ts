import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import type { Database } from '../storage/database.ts';

/** How many broker connections work now, of each of these people who has any. */
export type CountConnections = (userIds: readonly string[]) => Promise<ReadonlyMap<string, number>>;

export function createConnectionCounts({
  database: { db },
  calendar,
  clock,
}: {
  readonly database: Database;
  readonly calendar: CutoffCalendar;
  readonly clock: Clock;
}): CountConnections {
  return async function countConnections(userIds) {
    if (userIds.length === 0) return new Map();
    const rows = await db
      .selectFrom('broker_tokens')
      .leftJoin('user_epochs', 'user_epochs.user_id', 'broker_tokens.user_id')
      .select('broker_tokens.user_id')
      .select(({ fn }) => fn.countAll<number>().as('connections'))
      .where('broker_tokens.user_id', 'in', userIds)
      .where('is_revoked', '=', 0)
      .where('expires_at', '>', clock.now())
      .$if(Number.isFinite(calendar.last()), (query) => query.where('issued_at', '>=', calendar.last()))
      .where(({ eb, fn, ref, val }) =>
        eb('broker_tokens.epoch', '>=', fn.coalesce(ref('user_epochs.epoch'), val(0))),
      )
      .groupBy('broker_tokens.user_id')
      .execute();
    return new Map(rows.map((row) => [row.user_id, Number(row.connections)]));
  };
}
