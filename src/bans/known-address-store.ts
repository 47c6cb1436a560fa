import type { Transaction } from 'kysely';
import type { Database } from '../storage/database.ts';
import type { Schema } from '../storage/schema.ts';

/** An address that a person has used while signed in. */
export interface KnownAddress {
  /** As `readBanSubject` gives it. */
  readonly subject: string;
  readonly userId: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** The addresses that people are signed in from, for all nodes. */
export interface KnownAddressStore {
  /** Adds or renews them (at most 500), and keeps the newest `mostOfOne` of each of these people. */
  put(addresses: readonly KnownAddress[], mostOfOne: number): Promise<void>;
  /** Which of these subjects (at most 500) were used after the instant: half-open. */
  findAmong(subjects: readonly string[], after: number): Promise<readonly string[]>;
  /** Removes those that were last used at the instant or before, and of the rest those beyond `mostRows`, oldest first. */
  trim(before: number, mostRows: number): Promise<void>;
}

export function createKnownAddressStore({ db }: Database): KnownAddressStore {
  return {
    put: (addresses, mostOfOne) =>
      db.transaction().execute(async (trx) => {
        // In one order on all nodes, so that no two of them wait for each other.
        const rows = addresses
          .map(({ subject, userId, at }) => ({ subject, user_id: userId, last_at: at }))
          .sort((a, b) => compare(a.subject, b.subject) || compare(a.user_id, b.user_id));
        await trx
          .insertInto('known_addresses')
          .values(rows)
          .onConflict((conflict) =>
            conflict
              .columns(['subject', 'user_id'])
              .doUpdateSet((eb) => ({ last_at: eb.ref('excluded.last_at') })),
          )
          .execute();
        for (const userId of new Set(rows.map((row) => row.user_id)))
          await keepNewest(trx, userId, mostOfOne);
      }),

    async findAmong(subjects, after) {
      const rows = await db
        .selectFrom('known_addresses')
        .select('subject')
        .distinct()
        .where('subject', 'in', subjects)
        .where('last_at', '>', after)
        .execute();
      return rows.map(({ subject }) => subject);
    },

    async trim(before, mostRows) {
      await db.deleteFrom('known_addresses').where('last_at', '<=', before).execute();
      const last = await db
        .selectFrom('known_addresses')
        .select('last_at')
        .orderBy('last_at', 'desc')
        .offset(mostRows)
        .limit(1)
        .executeTakeFirst();
      if (last !== undefined)
        await db.deleteFrom('known_addresses').where('last_at', '<=', last.last_at).execute();
    },
  };
}

async function keepNewest(trx: Transaction<Schema>, userId: string, most: number): Promise<void> {
  await trx
    .deleteFrom('known_addresses')
    .where('user_id', '=', userId)
    .where('subject', 'not in', (eb) =>
      eb
        .selectFrom('known_addresses as newest')
        .select('newest.subject')
        .where('newest.user_id', '=', userId)
        .orderBy('newest.last_at', 'desc')
        .orderBy('newest.subject')
        .limit(most),
    )
    .execute();
}

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
