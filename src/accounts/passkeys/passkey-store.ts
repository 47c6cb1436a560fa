import type { Selectable } from 'kysely';
import type { Database } from '../../storage/database.ts';
import type { PasskeysTable } from '../../storage/schema.ts';

/** A passkey as its owner sees it. Instants in milliseconds since the epoch. */
export interface Passkey {
  /** The credential id, base64url. */
  readonly id: string;
  readonly userId: string;
  readonly name: string;
  readonly isBackedUp: boolean;
  /** The host that it was made for. */
  readonly rpId: string;
  readonly createdAt: number;
  readonly lastUsedAt: number | undefined;
}

/** With what an answer of its authenticator is compared with. */
export interface StoredPasskey extends Passkey {
  /** COSE, base64url. */
  readonly publicKey: string;
  readonly transports: readonly string[];
  /** Fixed when it was made (WebAuthn, 6.1.3). */
  readonly canBeBackedUp: boolean;
}

export interface PasskeyStore {
  find(id: string): Promise<StoredPasskey | undefined>;
  /** Oldest first. */
  listOf(userId: string): Promise<readonly StoredPasskey[]>;
  /**
   * Notes a use. False where the counter has not gone up, or the passkey is gone: of two answers with the same counter one
   * gets true. An authenticator that does not count says 0 each time.
   */
  noteUse(
    id: string,
    use: { readonly counter: number; readonly isBackedUp: boolean; readonly at: number },
  ): Promise<boolean>;
  /** False where the user has no such passkey. */
  rename(passkey: Pick<Passkey, 'id' | 'userId'>, name: string): Promise<boolean>;
  /** Those that were made for another host than this. */
  countForeign(rpId: string | undefined): Promise<number>;
}

/** Passkeys, in SQL. They are added and removed with the other factors, by the factor store. */
export function createPasskeyStore({ db }: Pick<Database, 'db'>): PasskeyStore {
  return {
    async find(id) {
      const row = await db.selectFrom('passkeys').selectAll().where('id', '=', id).executeTakeFirst();
      return row && toPasskey(row);
    },

    async listOf(userId) {
      const rows = await db
        .selectFrom('passkeys')
        .selectAll()
        .where('user_id', '=', userId)
        .orderBy('created_at')
        .orderBy('id')
        .execute();
      return rows.map(toPasskey);
    },

    async noteUse(id, { counter, isBackedUp, at }) {
      const { numUpdatedRows } = await db
        .updateTable('passkeys')
        .set({ counter, is_backed_up: isBackedUp ? 1 : 0, last_used_at: at })
        .where('id', '=', id)
        .where((where) => (counter === 0 ? where('counter', '=', 0) : where('counter', '<', counter)))
        .executeTakeFirstOrThrow();
      return numUpdatedRows === 1n;
    },

    async rename({ id, userId }, name) {
      const { numUpdatedRows } = await db
        .updateTable('passkeys')
        .set({ name })
        .where('id', '=', id)
        .where('user_id', '=', userId)
        .executeTakeFirstOrThrow();
      return numUpdatedRows === 1n;
    },

    async countForeign(rpId) {
      const { count } = await db
        .selectFrom('passkeys')
        .select(({ fn }) => fn.countAll<number | string>().as('count'))
        .where('rp_id', '!=', rpId ?? '')
        .executeTakeFirstOrThrow();
      return Number(count);
    },
  };
}

function toPasskey(row: Selectable<PasskeysTable>): StoredPasskey {
  return {
    id: row.id,
    userId: row.user_id,
    name: row.name,
    publicKey: row.public_key,
    transports: row.transports === '' ? [] : row.transports.split(','),
    canBeBackedUp: row.can_be_backed_up === 1,
    isBackedUp: row.is_backed_up === 1,
    rpId: row.rp_id,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at ?? undefined,
  };
}
