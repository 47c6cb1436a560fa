import type { Database } from '../storage/database.ts';

/** The text of a signal, as its strategy's page shows it. */
export interface KeptBody {
  readonly signalId: string;
  readonly strategyId: string;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  readonly body: string;
}

/** That an API key was handed signals. */
export interface SignalFetch {
  readonly signalIds: readonly string[];
  readonly keyId: string;
  /** Milliseconds since the epoch. */
  readonly fetchedAt: number;
}

/** A program that fetched a signal, by the name of its API key; the first time that it did. */
export interface Fetcher {
  readonly signalId: string;
  readonly keyId: string;
  readonly keyName: string;
  readonly fetchedAt: number;
}

/** Data of signals for their owner's eyes alone. It goes with the signal. */
export interface SignalHistoryStore {
  /** Keeps the newest `most` of the strategy. */
  keepBody(kept: KeptBody, most: number): Promise<void>;
  /** A second time of the same key changes nothing; signals and keys that are gone are passed over. */
  noteFetches(fetches: readonly SignalFetch[]): Promise<void>;
  /** By signal. */
  bodiesOf(signalIds: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** In the order in which they fetched. */
  fetchersOf(signalIds: readonly string[]): Promise<readonly Fetcher[]>;
}

export function createSignalHistoryStore({ db }: Database): SignalHistoryStore {
  return {
    async keepBody({ signalId, strategyId, receivedAt, body }, most) {
      await db
        .insertInto('signal_bodies')
        .values({ signal_id: signalId, strategy_id: strategyId, received_at: receivedAt, body })
        .execute();
      const surplus = await db
        .selectFrom('signal_bodies')
        .select('signal_id')
        .where('strategy_id', '=', strategyId)
        .orderBy('received_at', 'desc')
        .orderBy('signal_id')
        .offset(most)
        .limit(most)
        .execute();
      if (surplus.length > 0)
        await db
          .deleteFrom('signal_bodies')
          .where(
            'signal_id',
            'in',
            surplus.map(({ signal_id }) => signal_id),
          )
          .execute();
    },

    noteFetches: (fetches) =>
      db.transaction().execute(async (trx) => {
        for (const { signalIds, keyId, fetchedAt } of fetches)
          await trx
            .insertInto('signal_fetches')
            .columns(['signal_id', 'key_id', 'fetched_at'])
            .expression((eb) =>
              eb
                .selectFrom(['signals', 'api_keys'])
                .select((each) => [
                  'signals.id',
                  'api_keys.id as key_id',
                  each.val(fetchedAt).as('fetched_at'),
                ])
                .where('signals.id', 'in', signalIds)
                .where('api_keys.id', '=', keyId),
            )
            .onConflict((conflict) => conflict.doNothing())
            .execute();
      }),

    async bodiesOf(signalIds) {
      if (signalIds.length === 0) return new Map();
      const rows = await db
        .selectFrom('signal_bodies')
        .select(['signal_id', 'body'])
        .where('signal_id', 'in', signalIds)
        .execute();
      return new Map(rows.map(({ signal_id, body }) => [signal_id, body]));
    },

    async fetchersOf(signalIds) {
      if (signalIds.length === 0) return [];
      const rows = await db
        .selectFrom('signal_fetches')
        .innerJoin('api_keys', 'api_keys.id', 'signal_fetches.key_id')
        .select(['signal_id', 'key_id', 'fetched_at', 'api_keys.name'])
        .where('signal_id', 'in', signalIds)
        .orderBy('fetched_at')
        .orderBy('key_id')
        .execute();
      return rows.map(({ signal_id, key_id, fetched_at, name }) => ({
        signalId: signal_id,
        keyId: key_id,
        keyName: name,
        fetchedAt: fetched_at,
      }));
    },
  };
}
