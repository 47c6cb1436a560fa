import { sql } from 'kysely';
import type { Database } from './database.ts';

/** A column of ciphertexts, and what their keys are derived for. */
export interface CiphertextColumn {
  readonly table: string;
  readonly key: string;
  readonly column: string;
  /** As in `KeyRing`; where a column beside it says more, `purpose/value of that column`. */
  readonly purpose: string;
  readonly purposeColumn?: string;
  /** Where ciphertexts stand inside a longer text: what stands before each. */
  readonly mark?: string;
  /** Whether the key is a number above 0, and no text. */
  readonly hasNumericKey?: true;
}

/** Stands before a link in a message that waits for Telegram. */
export const SEALED_LINK_MARK = 'curfew-sealed:';

export interface StoredCiphertext {
  readonly key: string;
  readonly purpose: string;
  /** With a mark: the text that ciphertexts stand in. */
  readonly ciphertext: string;
}

const ofBroker = { purpose: 'broker', purposeColumn: 'broker' } as const;

/** Everything that ENCRYPTION_KEY protects. A new column of ciphertexts belongs in here, or it is left behind at a rotation. */
export const CIPHERTEXT_COLUMNS: readonly CiphertextColumn[] = [
  { table: 'broker_tokens', key: 'id', column: 'access_token', ...ofBroker },
  { table: 'broker_tokens', key: 'id', column: 'feed_token', ...ofBroker },
  { table: 'broker_tokens', key: 'id', column: 'refresh_token', ...ofBroker },
  { table: 'broker_logouts', key: 'id', column: 'access_token', ...ofBroker },
  { table: 'broker_authorizations', key: 'state_digest', column: 'code_verifier', ...ofBroker },
  { table: 'broker_credentials', key: 'id', column: 'value', ...ofBroker },
  { table: 'totp_factors', key: 'user_id', column: 'secret', purpose: 'totp' },
  { table: 'telegram_bots', key: 'user_id', column: 'bot_token', purpose: 'telegram' },
  {
    table: 'telegram_messages',
    key: 'id',
    column: 'body',
    purpose: 'telegram-link',
    mark: SEALED_LINK_MARK,
    hasNumericKey: true,
  },
  { table: 'mail_messages', key: 'id', column: 'sealed', purpose: 'mail' },
  { table: 'strategies', key: 'id', column: 'webhook_id', purpose: 'strategies' },
  { table: 'strategies', key: 'id', column: 'signing_secret', purpose: 'strategies' },
];

/** Ciphertexts as such, of any feature. */
export interface CiphertextStore {
  count(column: CiphertextColumn): Promise<number>;
  /** The next ones after a key, in the order of the keys; '' for the first. */
  listAfter(column: CiphertextColumn, key: string, limit: number): Promise<readonly StoredCiphertext[]>;
  /** Puts another one in its place only if it is still there; false when it was changed or wiped. */
  replace(column: CiphertextColumn, old: StoredCiphertext, ciphertext: string): Promise<boolean>;
}

export function createCiphertextStore({ db }: Database): CiphertextStore {
  const isThere = ({ column, mark }: CiphertextColumn) =>
    mark === undefined ? sql`${sql.ref(column)} is not null` : sql`${sql.ref(column)} like ${`%${mark}%`}`;

  return {
    async count(of) {
      const { rows } = await sql<{ total: number }>`
        select count(*) as total from ${sql.table(of.table)} where ${isThere(of)}`.execute(db);
      return Number(rows[0]?.total ?? 0);
    },

    async listAfter(of, after, limit) {
      const { table, key, column, purpose, purposeColumn, hasNumericKey } = of;
      const beside = purposeColumn === undefined ? sql`''` : sql.ref(purposeColumn);
      const { rows } = await sql<{ key: string | number; beside: string; ciphertext: string }>`
        select ${sql.ref(key)} as key, ${beside} as beside, ${sql.ref(column)} as ciphertext
        from ${sql.table(table)}
        where ${isThere(of)} and ${sql.ref(key)} > ${hasNumericKey ? Number(after) : after}
        order by ${sql.ref(key)} limit ${limit}`.execute(db);
      return rows.map((row) => ({
        key: String(row.key),
        purpose: purposeColumn === undefined ? purpose : `${purpose}/${row.beside}`,
        ciphertext: row.ciphertext,
      }));
    },

    async replace({ table, key, column }, old, ciphertext) {
      const { numAffectedRows } = await sql`
        update ${sql.table(table)} set ${sql.ref(column)} = ${ciphertext}
        where ${sql.ref(key)} = ${old.key} and ${sql.ref(column)} = ${old.ciphertext}`.execute(db);
      return (numAffectedRows ?? 0n) > 0n;
    },
  };
}
