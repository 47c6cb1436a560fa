import type { Selectable } from 'kysely';
import { z } from 'zod';
import type { BusyAddress } from '../../core/alert.ts';
import { HOUR_MS } from '../../core/duration.ts';
import type { Database } from '../../storage/database.ts';
import { readStoredJson } from '../../storage/read-stored-json.ts';
import type { AlarmsTable } from '../../storage/schema.ts';

/** An alert, of all nodes. Instants in ms since the epoch. */
export interface StoredAlert {
  /** As `alertCause` makes it. */
  readonly what: string;
  readonly raisedAt: number;
  /** Undefined while it lasts. */
  readonly endedAt: number | undefined;
  /** When it was raised, and at the worst. */
  readonly figure: number;
  readonly worst: number;
  readonly threshold: number;
  /** Which process saw it first. */
  readonly node: string;
  readonly busiest: readonly BusyAddress[];
}

export type NewAlert = Pick<StoredAlert, 'what' | 'figure' | 'threshold' | 'node' | 'busiest'>;

/** Alerts: one of each cause at a time, whichever node sees it. */
export interface AlertStore {
  /** Whether this call raised it: where one of this cause is open already, it is not over yet. */
  raiseOrKeep(alert: NewAlert, now: number): Promise<boolean>;
  /**
   * Ends those that no node has seen since the instant, and returns those that this call ended. Those too that were seen at
   * an instant far ahead, before a clock was set back: else their cause could not be raised until then.
   */
  endUnseenSince(instant: number, now: number): Promise<readonly StoredAlert[]>;
  /** Those that last, the oldest first. */
  listOpen(): Promise<readonly StoredAlert[]>;
  /** Those that were raised since the instant, the newest first. */
  listSince(instant: number, limit: number): Promise<readonly StoredAlert[]>;
  forgetEndedBefore(instant: number): Promise<void>;
}

/** More than nodes ever do. */
const CLOCKS_DIFFER_MS = HOUR_MS;

export function createAlertStore({ db }: Pick<Database, 'db'>): AlertStore {
  return {
    async raiseOrKeep({ what, figure, threshold, node, busiest }, now) {
      const raised = await db
        .insertInto('alarms')
        .values({
          cause: what,
          raised_at: now,
          seen_at: now,
          ended_at: null,
          figure,
          worst: figure,
          normal: threshold,
          node,
          busiest: JSON.stringify(busiest),
        })
        .onConflict((conflict) => conflict.doNothing())
        .returning('id')
        .executeTakeFirst();
      if (raised !== undefined) return true;
      await db
        .updateTable('alarms')
        .set((eb) => ({
          seen_at: now,
          worst: eb.case().when('worst', '<', figure).then(figure).else(eb.ref('worst')).end(),
        }))
        .where('cause', '=', what)
        .where('ended_at', 'is', null)
        .execute();
      return false;
    },

    async endUnseenSince(instant, now) {
      const rows = await db
        .updateTable('alarms')
        .set({ ended_at: now })
        .where('ended_at', 'is', null)
        .where((eb) => eb.or([eb('seen_at', '<=', instant), eb('seen_at', '>', now + CLOCKS_DIFFER_MS)]))
        .returningAll()
        .execute();
      return rows.map(toAlert);
    },

    async listOpen() {
      const rows = await db
        .selectFrom('alarms')
        .selectAll()
        .where('ended_at', 'is', null)
        .orderBy('raised_at')
        .execute();
      return rows.map(toAlert);
    },

    async listSince(instant, limit) {
      const rows = await db
        .selectFrom('alarms')
        .selectAll()
        .where('raised_at', '>=', instant)
        .orderBy('raised_at', 'desc')
        .limit(limit)
        .execute();
      return rows.map(toAlert);
    },

    async forgetEndedBefore(instant) {
      await db.deleteFrom('alarms').where('ended_at', '<', instant).execute();
    },
  };
}

const busyAddresses = z.array(z.object({ address: z.string(), requests: z.number(), bannable: z.boolean() }));

function toAlert(row: Selectable<AlarmsTable>): StoredAlert {
  return {
    what: row.cause,
    raisedAt: row.raised_at,
    endedAt: row.ended_at ?? undefined,
    figure: row.figure,
    worst: row.worst,
    threshold: row.normal,
    node: row.node,
    busiest: readStoredJson(row.busiest, busyAddresses, []),
  };
}
