import type { ConnectionsToEnd } from '../../../src/broker/connection-ending-store.ts';
import type { NewConnection, TokenStore } from '../../../src/broker/token-store.ts';
import type { CiphertextStore } from '../../../src/storage/ciphertext-store.ts';
import { type MemoryDatabase, type MemoryTransaction, statement } from './memory-database.ts';

export interface MemoryToken extends Omit<NewConnection, 'accessToken'> {
  /** Wiped where it has ended. */
  accessToken: string | undefined;
  ended: boolean;
}

export interface MemoryTokenDeps {
  readonly database: MemoryDatabase;
  readonly rows: Map<string, MemoryToken>;
  /** Called at the instant of the commit. */
  readonly onStored: (token: MemoryToken) => void;
}

/** The broker's tokens in memory: those statements that a revocation and a new connection are made of. */
export function createMemoryTokenStore(deps: MemoryTokenDeps): Pick<TokenStore, 'replace' | 'end'> {
  const { database, rows, onStored } = deps;

  async function end(trx: MemoryTransaction, which: ConnectionsToEnd) {
    // The rows' own locks.
    await trx.lock('tokens', 'alone');
    const ending = [...rows.values()].filter((row) => !row.ended && isMeant(row, which));
    for (const row of ending)
      trx.write(() => void Object.assign(row, { accessToken: undefined, ended: true }));
    return ending.map(({ userId, broker }) => ({ userId, broker, hadFeedToken: false, logoutQueued: true }));
  }

  return {
    replace: (connection) =>
      database.transaction(async (execute) => {
        const { userId, broker } = connection;
        await execute(
          statement('update "broker_tokens" (replaced)', (trx) =>
            end(trx, { kind: 'of_broker', userId, broker }),
          ),
        );
        const row = { ...connection, ended: false };
        await execute(
          statement('insert into "broker_tokens"', (trx) =>
            trx.write(() => {
              rows.set(row.id, row);
              onStored(row);
            }),
          ),
        );
      }),
    end: (which) =>
      database.transaction((execute) =>
        execute(statement('update "broker_tokens" (ended)', (trx) => end(trx, which))),
      ),
  };
}

function isMeant(row: MemoryToken, which: ConnectionsToEnd): boolean {
  switch (which.kind) {
    case 'one':
      return row.id === which.id;
    case 'of_broker':
      return row.userId === which.userId && row.broker === which.broker;
    case 'token':
      return row.userId === which.userId && row.tokenDigest === which.tokenDigest;
    case 'through_epoch':
      return row.userId === which.userId && row.epoch <= which.epoch;
    case 'issued_before':
      return row.issuedAt < which.before && (which.userId === undefined || row.userId === which.userId);
  }
}

/** The ciphertexts of the tokens, for a rotation. */
export function createMemoryCiphertextStore({
  database,
  rows,
  isBlind,
}: Pick<MemoryTokenDeps, 'database' | 'rows'> & { readonly isBlind: boolean }): CiphertextStore {
  const isKept = (table: string, column: string) => table === 'broker_tokens' && column === 'access_token';
  return {
    count: () => Promise.resolve(rows.size),

    async listAfter({ table, column }, after) {
      if (!isKept(table, column)) return [];
      return database.execute(
        statement('select ciphertexts', () =>
          [...rows]
            .toSorted(([a], [b]) => (a < b ? -1 : 1))
            .flatMap(([key, { accessToken }]) =>
              key > after && accessToken !== undefined
                ? [{ key, purpose: 'broker', ciphertext: accessToken }]
                : [],
            ),
        ),
      );
    },

    replace: (_column, old, ciphertext) =>
      database.execute(
        statement('update "broker_tokens" (ciphertext)', async (trx) => {
          await trx.lock('tokens', 'alone');
          const row = rows.get(old.key);
          if (row === undefined || (row.accessToken !== old.ciphertext && !isBlind)) return false;
          row.accessToken = ciphertext;
          return true;
        }),
      ),
  };
}
