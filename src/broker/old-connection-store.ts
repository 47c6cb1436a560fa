import { setImmediate as nextTurn } from 'node:timers/promises';
import { DAY_MS } from '../core/duration.ts';
import type { Database } from '../storage/database.ts';

/** Long enough to look up what became of a connection in a quarter of a year. The audit log has the rest. */
export const CONNECTIONS_KEPT_MS = 90 * DAY_MS;

export interface OldConnectionStore {
  /** Forgets connections that ended before an instant (ms since the epoch), in batches; returns how many. */
  forgetEndedBefore(instant: number): Promise<number>;
}

const BATCH = 500;

export function createOldConnectionStore({ db }: Database): OldConnectionStore {
  async function forgetBatch(instant: number): Promise<number> {
    const { numDeletedRows } = await db
      .deleteFrom('broker_tokens')
      .where('id', 'in', (of) =>
        of
          .selectFrom('broker_tokens')
          .select('id')
          .where('is_revoked', '=', 1)
          // Nothing ends before it begins, and there is an index by that.
          .where('issued_at', '<', instant)
          .where('revoked_at', '<', instant)
          .limit(BATCH),
      )
      .executeTakeFirst();
    return Number(numDeletedRows);
  }

  return {
    async forgetEndedBefore(instant) {
      for (let total = 0; ; ) {
        const forgotten = await forgetBatch(instant);
        total += forgotten;
        if (forgotten < BATCH) return total;
        await nextTurn();
      }
    },
  };
}
