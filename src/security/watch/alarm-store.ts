import type { Selectable } from 'kysely';
import { HOUR_MS } from '../../core/duration.ts';
import type { BusyAddress } from '../../core/load-alarm.ts';
import type { Database } from '../../storage/database.ts';
import type { AlarmsTable } from '../../storage/schema.ts';

/** An alarm, of all nodes. Instants in ms since the epoch. */
export interface LoadAlarm {
  /** As `alarmCause` makes it. */
  readonly what: string;
  readonly raisedAt: number;
  /** Undefined while it lasts. */
  readonly endedAt: number | undefined;
  /** When it was raised, and at the worst. */
  readonly figure: number;
  readonly worst: number;
  readonly normal: number;
  /** Which process saw it first. */
  readonly node: string;
  readonly busiest: readonly BusyAddress[];
}

export type NewAlarm = Pick<LoadAlarm, 'what' | 'figure' | 'normal' | 'node' | 'busiest'>;

/** Alarms: of one cause, one at a time, whichever node sees it. */
export interface AlarmStore {
  /** Whether it is this call that raised it: false where there is one of this cause already. */
  raise(alarm: NewAlarm, now: number): Promise<boolean>;
  /** It is not over yet. */
  keep(what: string, figure: number, now: number): Promise<void>;
  /**
   * Ends those that nobody has seen since the instant, and returns those that it was this call that ended. Those too that
   * were seen at an instant far ahead, before a clock was put back: else their cause could not ring until then.
   */
  endUnseenSince(instant: number, now: number): Promise<readonly LoadAlarm[]>;
  /** Those that last, the oldest first. */
  listOpen(): Promise<readonly LoadAlarm[]>;
  /** Those that were raised since the instant, the newest first. */
  listSince(instant: number, limit: number): Promise<readonly LoadAlarm[]>;
  forgetEndedBefore(instant: number): Promise<void>;
}

/** More than nodes ever do. */
const CLOCKS_DIFFER_MS = HOUR_MS;

export function createAlarmStore({ db }: Pick<Database, 'db'>): AlarmStore {
  return {
    async raise({ what, figure, normal, node, busiest }, now) {
      const row = await db
        .insertInto('alarms')
        .values({
          cause: what,
          raised_at: now,
          seen_at: now,
          ended_at: null,
          figure,
          worst: figure,
          normal,
          node,
          busiest: JSON.stringify(busiest),
        })
        .onConflict((conflict) => conflict.doNothing())
        .returning('id')
        .executeTakeFirst();
      return row !== undefined;
    },

    async keep(what, figure, now) {
      await db
        .updateTable('alarms')
        .set((eb) => ({
          seen_at: now,
          worst: eb.case().when('worst', '<', figure).then(figure).else(eb.ref('worst')).end(),
        }))
        .where('cause', '=', what)
        .where('ended_at', 'is', null)
        .execute();
    },

    async endUnseenSince(instant, now) {
      const rows = await db
        .updateTable('alarms')
        .set({ ended_at: now })
        .where('ended_at', 'is', null)
        .where((eb) => eb.or([eb('seen_at', '<=', instant), eb('seen_at', '>', now + CLOCKS_DIFFER_MS)]))
        .returningAll()
        .execute();
      return rows.map(toAlarm);
    },

    async listOpen() {
      const rows = await db
        .selectFrom('alarms')
        .selectAll()
        .where('ended_at', 'is', null)
        .orderBy('raised_at')
        .execute();
      return rows.map(toAlarm);
    },

    async listSince(instant, limit) {
      const rows = await db
        .selectFrom('alarms')
        .selectAll()
        .where('raised_at', '>=', instant)
        .orderBy('raised_at', 'desc')
        .limit(limit)
        .execute();
      return rows.map(toAlarm);
    },

    async forgetEndedBefore(instant) {
      await db.deleteFrom('alarms').where('ended_at', '<', instant).execute();
    },
  };
}

function toAlarm(row: Selectable<AlarmsTable>): LoadAlarm {
  return {
    what: row.cause,
    raisedAt: row.raised_at,
    endedAt: row.ended_at ?? undefined,
    figure: row.figure,
    worst: row.worst,
    normal: row.normal,
    node: row.node,
    busiest: JSON.parse(row.busiest) as readonly BusyAddress[],
  };
}
