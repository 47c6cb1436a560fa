import { randomUUID } from 'node:crypto';
import type { Database } from '../storage/database.ts';

/** One value of a person's app credentials at a broker. */
export interface StoredCredential {
  readonly broker: string;
  readonly field: string;
  /** A ciphertext. */
  readonly value: string;
  /** Milliseconds since the epoch. */
  readonly setAt: number;
}

/** Credentials that users have registered with their brokers, value by value. */
export interface CredentialStore {
  /** Puts all of them in the place of what was there. */
  replace(
    userId: string,
    broker: string,
    values: Readonly<Record<string, string>>,
    now: number,
  ): Promise<void>;
  listByUser(userId: string): Promise<readonly StoredCredential[]>;
  /** False when there were none. */
  remove(userId: string, broker: string): Promise<boolean>;
}

export function createCredentialStore({ db }: Database): CredentialStore {
  return {
    async replace(userId, broker, values, now) {
      const rows = Object.entries(values).map(([field, value]) => ({
        id: randomUUID(),
        user_id: userId,
        broker,
        field,
        value,
        set_at: now,
      }));
      await db.transaction().execute(async (trx) => {
        await trx
          .deleteFrom('broker_credentials')
          .where('user_id', '=', userId)
          .where('broker', '=', broker)
          .execute();
        await trx
          .insertInto('broker_credentials')
          .values(rows)
          // Two forms at the same moment: the later one waits for the other's rows and takes their place.
          .onConflict((conflict) =>
            conflict
              .columns(['user_id', 'broker', 'field'])
              .doUpdateSet((eb) => ({ value: eb.ref('excluded.value'), set_at: eb.ref('excluded.set_at') })),
          )
          .execute();
      });
    },

    async listByUser(userId) {
      const rows = await db
        .selectFrom('broker_credentials')
        .selectAll()
        .where('user_id', '=', userId)
        .execute();
      return rows.map(({ broker, field, value, set_at }) => ({ broker, field, value, setAt: set_at }));
    },

    async remove(userId, broker) {
      const { numDeletedRows } = await db
        .deleteFrom('broker_credentials')
        .where('user_id', '=', userId)
        .where('broker', '=', broker)
        .executeTakeFirst();
      return numDeletedRows > 0n;
    },
  };
}
