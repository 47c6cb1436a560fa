import { sql } from 'kysely';
import type { Database } from '../storage/database.ts';

/** A column of ciphertexts in a table that also has the broker whose key they belong to. */
export interface CiphertextColumn {
  readonly table: string;
  readonly key: string;
  readonly column: string;
}

export interface StoredCiphertext {
  readonly key: string;
  readonly broker: string;
  readonly ciphertext: string;
}

/** Everything that ENCRYPTION_KEY protects. A new column of ciphertexts belongs in here, or it is left behind at a rotation. */
export const CIPHERTEXT_COLUMNS = [
  { table: 'broker_tokens', key: 'id', column: 'access_token' },
  { table: 'broker_tokens', key: 'id', column: 'feed_token' },
  { table: 'broker_tokens', key: 'id', column: 'refresh_token' },
  { table: 'broker_logouts', key: 'id', column: 'access_token' },
  { table: 'broker_authorizations', key: 'state_digest', column: 'code_verifier' },
  { table: 'broker_credentials', key: 'id', column: 'value' },
] as const satisfies readonly CiphertextColumn[];

/** Ciphertexts as such, whatever they are of. */
export interface CiphertextStore {
  count(column: CiphertextColumn): Promise<number>;
  /** The next ones after a key, in the order of the keys; '' for the first. */
  listAfter(column: CiphertextColumn, key: string, limit: number): Promise<readonly StoredCiphertext[]>;
  /** Puts another one in its place only if it is still there; false when somebody changed or wiped it. */
  replace(column: CiphertextColumn, old: StoredCiphertext, ciphertext: string): Promise<boolean>;
}

export function createCiphertextStore({ db }: Database): CiphertextStore {
  return {
    async count({ table, column }) {
      const { rows } = await sql<{ total: number }>`
        select count(*) as total from ${sql.table(table)} where ${sql.ref(column)} is not null`.execute(db);
      return Number(rows[0]?.total ?? 0);
    },

    async listAfter({ table, key, column }, after, limit) {
      const { rows } = await sql<StoredCiphertext>`
        select ${sql.ref(key)} as key, broker, ${sql.ref(column)} as ciphertext from ${sql.table(table)}
        where ${sql.ref(column)} is not null and ${sql.ref(key)} > ${after}
        order by ${sql.ref(key)} limit ${limit}`.execute(db);
      return rows;
    },

    async replace({ table, key, column }, old, ciphertext) {
      const { numAffectedRows } = await sql`
        update ${sql.table(table)} set ${sql.ref(column)} = ${ciphertext}
        where ${sql.ref(key)} = ${old.key} and ${sql.ref(column)} = ${old.ciphertext}`.execute(db);
      return (numAffectedRows ?? 0n) > 0n;
    },
  };
}
