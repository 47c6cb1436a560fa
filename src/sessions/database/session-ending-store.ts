import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RevocationReason } from '../../core/revocation.ts';
import type { DatabaseDialect } from '../../storage/database.ts';
import { countBy } from '../count-by.ts';
import { tellsOfCutoff } from '../session-id.ts';
import { ENDINGS_KEPT_MS, type SessionRegistry } from '../session-storage.ts';
import type { DatabaseSessionStorageDeps } from './session-row-store.ts';

/** How many sessions are deleted at once. On SQLite the event loop waits meanwhile: 2 ms. */
const AT_ONCE: Readonly<Record<DatabaseDialect, number>> = { sqlite: 50, postgres: 500 };

/** Ends sessions, and remembers for a day why. */
export function createSessionEndings(
  deps: DatabaseSessionStorageDeps,
): Pick<SessionRegistry, 'end' | 'endThroughEpoch' | 'endStale' | 'endAllBefore' | 'endingOf' | 'tidy'> {
  const { clock, calendar, lifetime } = deps;
  const { db, dialect } = deps.database;

  async function end(sids: readonly string[], reason: RevocationReason): Promise<number> {
    if (sids.length === 0) return 0;
    return db.transaction().execute(async (trx) => {
      const ended = await trx.deleteFrom('sessions').where('sid', 'in', sids).returning('sid').execute();
      const remembered = ended.filter(({ sid }) => !tellsOfCutoff(sid, calendar.last()));
      if (remembered.length === 0) return ended.length;
      await trx
        .insertInto('session_endings')
        .values(remembered.map(({ sid }) => ({ sid, reason, forget_at: clock.now() + ENDINGS_KEPT_MS })))
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      return ended.length;
    });
  }

  return {
    end,

    async endThroughEpoch(userId, epoch, reason) {
      const found = await db
        .selectFrom('sessions')
        .select('sid')
        .where('user_id', '=', userId)
        .where('epoch', '<=', epoch)
        .execute();
      return end(sidsOf(found), reason);
    },

    async endStale(userId, before, reason) {
      const found = await db
        .selectFrom('sessions')
        .select('sid')
        .where('user_id', '=', userId)
        .where('login_time', '<', before)
        .execute();
      return end(sidsOf(found), reason);
    },

    async *endAllBefore(before, reason) {
      for (;;) {
        const found = await db
          .selectFrom('sessions')
          .select(['sid', 'user_id'])
          .where('login_time', '<', before)
          // As they lie in the table's index of their ids, which begin with the person's: neighbours share pages.
          .orderBy('user_id')
          .limit(AT_ONCE[dialect])
          .execute();
        if (found.length === 0) return;
        await end(sidsOf(found), reason);
        yield countBy(found.map((row) => row.user_id));
        // SQLite answers within the same turn: requests would wait for all of it.
        await nextTurn();
      }
    },

    async endingOf(sid) {
      const ending = await db
        .selectFrom('session_endings')
        .select('reason')
        .where('sid', '=', sid)
        .executeTakeFirst();
      if (ending !== undefined) return ending.reason as RevocationReason;
      const row = await db
        .selectFrom('sessions')
        .select(['last_seen', 'own_idle_ms'])
        .where('sid', '=', sid)
        .executeTakeFirst();
      const isIdle = row !== undefined && row.last_seen <= lifetime.idleSince(row.own_idle_ms ?? undefined);
      return isIdle ? 'idle' : undefined;
    },

    async tidy() {
      await db.deleteFrom('session_endings').where('forget_at', '<', clock.now()).execute();
    },
  };
}

function sidsOf(rows: readonly { readonly sid: string }[]): readonly string[] {
  return rows.map(({ sid }) => sid);
}
