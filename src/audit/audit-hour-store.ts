import { startOfIstHour } from '../core/ist.ts';
import type { Database } from '../storage/database.ts';
import type { HourCount } from './audit-chain-store.ts';

/** Counts of events by the hour: for charts, which should not have to count rows. */
export interface AuditHourStore {
  /** From the hour of an instant (ms since the epoch) on, in the order of the hours. */
  since(instant: number): Promise<readonly HourCount[]>;
  forgetBefore(instant: number): Promise<void>;
}

export function createAuditHourStore({ db }: Database): AuditHourStore {
  return {
    since: (instant) =>
      db
        .selectFrom('audit_hours')
        .select(['hour', 'kind', 'events'])
        .where('hour', '>=', startOfIstHour(instant))
        .orderBy('hour')
        .orderBy('kind')
        .execute(),

    async forgetBefore(instant) {
      await db.deleteFrom('audit_hours').where('hour', '<', instant).execute();
    },
  };
}
