import { sql } from 'kysely';
import type { DatabaseSessionStorageDeps } from './session-row-store.ts';

/** The idle limits that sessions have of their own, in their rows. */
export function createOwnIdleRows({ database: { db }, clock }: DatabaseSessionStorageDeps) {
  return {
    async set(userId: string, ownIdleMs: number | undefined): Promise<void> {
      await db
        .updateTable('sessions')
        .set({ own_idle_ms: ownIdleMs ?? null })
        .where('user_id', '=', userId)
        .execute();
    },

    async of(sid: string): Promise<number | undefined> {
      const row = await db
        .selectFrom('sessions')
        .select('own_idle_ms')
        .where('sid', '=', sid)
        .executeTakeFirst();
      return row?.own_idle_ms ?? undefined;
    },

    /** Those that are over by their own limits. In the words of the index that answers it. */
    async find(limit: number): Promise<readonly string[]> {
      const found = await db
        .selectFrom('sessions')
        .select('sid')
        .where('own_idle_ms', 'is not', null)
        .where(sql<number>`last_seen + own_idle_ms`, '<=', clock.now())
        .limit(limit)
        .execute();
      return found.map((row) => row.sid);
    },
  };
}
