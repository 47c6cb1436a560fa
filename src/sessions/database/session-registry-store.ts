import type { Selectable } from 'kysely';
import type { SessionsTable } from '../../storage/schema.ts';
import { toDeviceSession } from '../device-session.ts';
import type { DeviceSession } from '../session-data.ts';
import { paginateSessions } from '../session-pagination.ts';
import type { SessionRegistry } from '../session-storage.ts';
import { createOwnIdleRows } from './own-idle-store.ts';
import { createSessionEndings } from './session-ending-store.ts';
import type { DatabaseSessionStorageDeps, SessionRows } from './session-row-store.ts';

const BATCH = 500;

/** The embedded index: the sessions' own table. */
export function createDatabaseSessionRegistry(
  deps: DatabaseSessionStorageDeps,
  rows: SessionRows,
): SessionRegistry {
  const { lifetime } = deps;
  const { db } = deps.database;
  const ownIdle = createOwnIdleRows(deps);

  return {
    ...createSessionLists(deps, rows),
    ...createSessionEndings(deps),

    // The row is its own index.
    register: () => Promise.resolve(),

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

    flush: (options) => rows.activity.flush(options),
  };
}

/** Lists and counts sessions. */
function createSessionLists(
  { database: { db }, clock, calendar, lifetime }: DatabaseSessionStorageDeps,
  rows: SessionRows,
): Pick<SessionRegistry, 'listByUser' | 'listAll' | 'listNewest' | 'countLive' | 'countBefore'> {
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
          .limit(BATCH)
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
  };
}
