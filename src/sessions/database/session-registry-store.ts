import type { Selectable } from 'kysely';
import type { RevocationReason } from '../../core/revocation.ts';
import type { SessionsTable } from '../../storage/schema.ts';
import { countBy } from '../count-by.ts';
import { toDeviceSession } from '../device-session.ts';
import type { DeviceSession } from '../session-data.ts';
import { tellsOfCutoff } from '../session-id.ts';
import { paginateSessions } from '../session-pagination.ts';
import { ENDINGS_KEPT_MS, type SessionRegistry } from '../session-storage.ts';
import { createOwnIdleRows } from './own-idle-store.ts';
import type { DatabaseSessionStorageDeps, SessionRows } from './session-row-store.ts';

const PORTION = 500;

/** The embedded index: the sessions' own table. */
export function createDatabaseSessionRegistry(
  deps: DatabaseSessionStorageDeps,
  rows: SessionRows,
): SessionRegistry {
  const { clock, calendar, lifetime } = deps;
  const { db } = deps.database;
  const ownIdle = createOwnIdleRows(deps);

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

  /** Of what is signed in, not idle, and not from before the cutoff. */
  function live(found: readonly Selectable<SessionsTable>[]): readonly DeviceSession[] {
    return found
      .filter((row) => lifetime.remainingMs(row.last_seen, row.own_idle_ms ?? undefined) > 0)
      .flatMap((row) => {
        const session = rows.parse(row.sid, row.body);
        return session === undefined ? [] : [toDeviceSession(row.sid, session, row.last_seen)];
      })
      .filter((device) => !calendar.isPast(device.loginTime));
  }

  return {
    // The row is its own index.
    register: () => Promise.resolve(),

    async listByUser(userId) {
      return live(
        await db
          .selectFrom('sessions')
          .selectAll()
          .where('user_id', '=', userId)
          .orderBy('login_time')
          .execute(),
      );
    },

    async *listAll() {
      let after = { login_time: -1, sid: '' };
      for (;;) {
        const found = await db
          .selectFrom('sessions')
          .selectAll()
          .where((where) =>
            where.or([
              where('login_time', '>', after.login_time),
              where.and([where('login_time', '=', after.login_time), where('sid', '>', after.sid)]),
            ]),
          )
          .orderBy('login_time')
          .orderBy('sid')
          .limit(PORTION)
          .execute();
        const last = found.at(-1);
        if (last === undefined) return;
        yield live(found);
        after = { login_time: last.login_time, sid: last.sid };
      }
    },

    async countLive() {
      const { sessions, people } = await db
        .selectFrom('sessions')
        .select((select) => [
          select.fn.countAll<number>().as('sessions'),
          select.fn.count<number>('user_id').distinct().as('people'),
        ])
        .where('last_seen', '>', lifetime.idleSince())
        .where('login_time', '>=', Math.max(0, calendar.last()))
        .where((where) =>
          where.or([
            where('own_idle_ms', 'is', null),
            where(where('last_seen', '+', where.ref('own_idle_ms')), '>', clock.now()),
          ]),
        )
        .executeTakeFirstOrThrow();
      return { sessions: Number(sessions), people: Number(people) };
    },

    async listNewest(from, limit) {
      const found = await db
        .selectFrom('sessions')
        .selectAll()
        .$if(from !== undefined, (query) => query.where('login_time', '<=', from?.loginTime ?? 0))
        .orderBy('login_time', 'desc')
        .orderBy('sid', 'desc')
        .offset(from?.skip ?? 0)
        .limit(limit)
        .execute();
      const devices = new Map(live(found).map((device) => [device.sid, device]));
      const entries = found.map((row) => ({ sid: row.sid, loginTime: row.login_time }));
      return paginateSessions(entries, devices, { from, limit });
    },

    async countBefore(before) {
      const { sessions } = await db
        .selectFrom('sessions')
        .select((select) => select.fn.countAll<number>().as('sessions'))
        .where('login_time', '<', before)
        .executeTakeFirstOrThrow();
      return Number(sessions);
    },

    end,

    async endThroughEpoch(userId, epoch, reason) {
      const found = await db
        .selectFrom('sessions')
        .select('sid')
        .where('user_id', '=', userId)
        .where('epoch', '<=', epoch)
        .execute();
      return end(
        found.map((row) => row.sid),
        reason,
      );
    },

    async endStale(userId, before, reason) {
      const found = await db
        .selectFrom('sessions')
        .select('sid')
        .where('user_id', '=', userId)
        .where('login_time', '<', before)
        .execute();
      return end(
        found.map((row) => row.sid),
        reason,
      );
    },

    async *endAllBefore(before, reason) {
      for (;;) {
        const found = await db
          .selectFrom('sessions')
          .select(['sid', 'user_id'])
          .where('login_time', '<', before)
          .orderBy('login_time')
          .limit(PORTION)
          .execute();
        if (found.length === 0) return;
        await end(
          found.map((row) => row.sid),
          reason,
        );
        yield countBy(found.map((row) => row.user_id));
      }
    },

    async findIdle(limit) {
      const found = await db
        .selectFrom('sessions')
        .select('sid')
        .where('last_seen', '<=', lifetime.idleSince())
        .limit(limit)
        .execute();
      const byOwnLimit = await ownIdle.find(limit);
      return [...new Set([...found.map((row) => row.sid), ...byOwnLimit])].slice(0, limit);
    },

    isUsable: async (sid) => (await rows.load(sid)) !== undefined,

    async isIndexed(sid) {
      const row = await db.selectFrom('sessions').select('sid').where('sid', '=', sid).executeTakeFirst();
      return row !== undefined;
    },

    async lastSeen(sid) {
      const row = await db
        .selectFrom('sessions')
        .select('last_seen')
        .where('sid', '=', sid)
        .executeTakeFirst();
      return row?.last_seen;
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

    setIdleLimit: ownIdle.set,
    ownIdleLimit: ownIdle.of,

    async setRole(userId, role) {
      await db.transaction().execute(async (trx) => {
        const own = trx.selectFrom('sessions').select(['sid', 'body']).where('user_id', '=', userId);
        for (const { sid, body } of await own.execute()) {
          const session = rows.parse(sid, body);
          if (session === undefined) continue;
          await trx
            .updateTable('sessions')
            .set({ body: JSON.stringify({ ...session, role }) })
            .where('sid', '=', sid)
            .execute();
        }
      });
    },

    // Lifetimes are computed at each load.
    applyPolicy: () => Promise.resolve(),

    async tidy() {
      await db.deleteFrom('session_endings').where('forget_at', '<', clock.now()).execute();
    },

    flush: (options) => rows.activity.flush(options),
  };
}
