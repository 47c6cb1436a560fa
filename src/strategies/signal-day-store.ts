import type { Database } from '../storage/database.ts';
import { type SignalRecord, toRecord } from './signal-store.ts';

/** A signal of any of a person's strategies. */
export interface SignalOfDay extends SignalRecord {
  readonly strategyId: string;
  readonly strategyName: string;
}

/** A person's signals since an instant, without tests and those of deleted strategies. */
export interface SignalDay {
  readonly accepted: number;
  readonly refused: number;
  /** Newest first. */
  readonly latest: readonly SignalOfDay[];
}

export type ReadSignalDay = (userId: string, since: number, limit: number) => Promise<SignalDay>;

/** `since` in ms since the epoch; `limit`: how many of the latest. */
export function createSignalDayReader({ db }: Database): ReadSignalDay {
  return async function readSignalDay(userId, since, limit) {
    const ofDay = db
      .selectFrom('signals')
      .innerJoin('strategies', 'strategies.id', 'signals.strategy_id')
      .where('strategies.deleted_at', 'is', null)
      .where('signals.user_id', '=', userId)
      .where('signals.received_at', '>=', since)
      .where('signals.is_test', '=', 0);
    const counts = await ofDay
      .select(({ fn }) => [
        fn.countAll<number>().as('signals'),
        fn.count<number>('signals.refusal').as('refused'),
      ])
      .executeTakeFirstOrThrow();
    const rows = await ofDay
      .selectAll('signals')
      .select('strategies.name')
      .orderBy('signals.received_at', 'desc')
      .orderBy('signals.id')
      .limit(limit)
      .execute();
    return {
      accepted: Number(counts.signals) - Number(counts.refused),
      refused: Number(counts.refused),
      latest: rows.map((row) => ({
        ...toRecord(row),
        strategyId: row.strategy_id,
        strategyName: row.name,
      })),
    };
  };
}
