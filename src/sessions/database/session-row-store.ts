import type { SessionData } from 'express-session';
import type { Clock } from '../../core/clock.ts';
import type { CutoffCalendar } from '../../core/cutoff.ts';
import { fromIso } from '../../core/ist.ts';
import type { Database } from '../../storage/database.ts';
import { createActivity } from '../activity.ts';
import type { SessionLifetime } from '../session-lifetime.ts';
import { createUnreadableSessions, parseStoredSession } from '../stored-session.ts';

export interface DatabaseSessionStorageDeps {
  readonly database: Database;
  readonly clock: Clock;
  readonly calendar: CutoffCalendar;
  readonly lifetime: SessionLifetime;
  readonly onError: (error: unknown) => void;
}

export type SessionRows = ReturnType<typeof createSessionRows>;

/**
 * The `last_seen` of a session that was refused as idle. It stays so where a clock was ahead for a moment and comes back;
 * the row stays too, for the idle watch, which ends what belongs to the session.
 */
const IDLE_FOR_GOOD = 0;

/** The statements on one session's row. */
export function createSessionRows({
  database: { db },
  clock,
  lifetime,
  onError,
}: DatabaseSessionStorageDeps) {
  const unreadable = createUnreadableSessions(onError);
  const activity = createActivity({
    clock,
    idleLimitMs: lifetime.idleLimitMs,
    write: writeLastSeen,
    onError,
  });

  async function writeLastSeen(sid: string, lastSeen: number): Promise<void> {
    await db
      .updateTable('sessions')
      .set({ last_seen: lastSeen })
      .where('sid', '=', sid)
      .where('last_seen', '<', lastSeen)
      .where('last_seen', '>', IDLE_FOR_GOOD)
      .execute();
  }

  /** False when it was used meanwhile. */
  async function markIdle(sid: string, lastSeen: number): Promise<boolean> {
    const { numUpdatedRows } = await db
      .updateTable('sessions')
      .set({ last_seen: IDLE_FOR_GOOD })
      .where('sid', '=', sid)
      .where('last_seen', '=', lastSeen)
      .executeTakeFirst();
    return numUpdatedRows === 1n;
  }

  async function load(sid: string): Promise<SessionData | undefined> {
    const row = await db
      .selectFrom('sessions')
      .select(['body', 'last_seen', 'own_idle_ms'])
      .where('sid', '=', sid)
      .executeTakeFirst();
    if (row === undefined) return undefined;
    if (lifetime.remainingMs(row.last_seen, row.own_idle_ms ?? undefined) > 0) return parse(sid, row.body);
    const isUsedMeanwhile = row.last_seen !== IDLE_FOR_GOOD && !(await markIdle(sid, row.last_seen));
    return isUsedMeanwhile ? load(sid) : undefined;
  }

  function parse(sid: string, body: string): SessionData | undefined {
    const session = parseStoredSession(body);
    if (session === undefined) unreadable.report(sid);
    return session;
  }

  return {
    activity,
    unreadable,
    load,
    parse,
    async use(sid: string): Promise<SessionData | undefined> {
      const session = await load(sid);
      if (session !== undefined && activity.noteUse(sid)) void writeLastSeen(sid, clock.now()).catch(onError);
      return session;
    },
    /** False when the id is taken. */
    async insert(sid: string, session: SessionData): Promise<boolean> {
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('sessions')
        .values({ sid, ...toColumns(session), last_seen: clock.now() })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst();
      if (numInsertedOrUpdatedRows !== 1n) return false;
      activity.noteWritten(sid);
      return true;
    },
    /** False when the session is gone. */
    async update(sid: string, session: SessionData): Promise<boolean> {
      const { numUpdatedRows } = await db
        .updateTable('sessions')
        .set(toColumns(session))
        .where('sid', '=', sid)
        .executeTakeFirst();
      return numUpdatedRows === 1n;
    },
    async remove(sid: string): Promise<void> {
      await db.deleteFrom('sessions').where('sid', '=', sid).execute();
    },
  };
}

function toColumns(session: SessionData) {
  return {
    user_id: session.userId,
    epoch: session.epoch,
    login_time: fromIso(session.loginTime),
    body: JSON.stringify(session),
  };
}
