import { sql } from 'kysely';
import type { Clock } from '../../src/core/clock.ts';
import { createEpochStore, type EpochStore } from '../../src/revocation/epoch-store.ts';
import { createRevocationStore, type RevocationStore } from '../../src/revocation/revocation-store.ts';
import { actLocks } from '../../src/storage/act-locks.ts';
import { createActing } from '../../src/storage/acting.ts';
import type { Database } from '../../src/storage/database.ts';
import { createGuardedDialect } from '../../src/storage/guarded-dialect.ts';
import { createMemoryDatabase, type Flavour } from '../interleavings/doubles/memory-database.ts';
import {
  createMemoryEpochStore,
  createMemoryRevocationStore,
  createMemoryTables,
} from '../interleavings/doubles/memory-revocations.ts';
import type { Pause } from '../interleavings/doubles/pause.ts';
import { DATABASES } from '../support/databases.ts';

/** One place where revocations are stored, and as many nodes on it as a test asks for. */
export interface RevocationRig {
  readonly revocations: RevocationStore;
  readonly epochs: EpochStore;
  anotherNode(): RevocationStore;
  /** From now on no revocation can be stored. */
  breakTable(): Promise<unknown>;
  close(): Promise<void>;
}

type Open = (clock: Clock) => Promise<RevocationRig>;

/** All places of the one contract; the doubles in memory are those that the interleavings run over. */
export const REVOCATION_RIGS: readonly (readonly [string, Open])[] = [
  ...DATABASES.map(([name, open]): [string, Open] => [
    name,
    async (clock) => onDatabase(await open(), clock),
  ]),
  ['a double of SQLite', async (clock) => inMemory('sqlite', clock)],
  ['a double of Postgres', async (clock) => inMemory('postgres', clock)],
];

function onDatabase(database: Database, clock: Clock): RevocationRig {
  const node = () => createRevocationStore(database, clock);
  return {
    revocations: node(),
    epochs: createEpochStore(database),
    anotherNode: node,
    breakTable: () => sql`alter table revocations rename to away`.execute(database.db),
    close: () => database.close(),
  };
}

function inMemory(flavour: Flavour, clock: Clock): RevocationRig {
  let broken = false;
  const pause: Pause = (where) =>
    broken && where.includes('"revocations"')
      ? Promise.reject(new Error('no such table: revocations'))
      : Promise.resolve();
  const acting = createActing();
  const tables = createMemoryTables();
  const database = createMemoryDatabase({ flavour, acting, guard: createGuardedDialect, pause });
  const node = () => createMemoryRevocationStore({ database, tables, acting, clock, locksOf: actLocks });
  return {
    revocations: node(),
    epochs: createMemoryEpochStore({ database, tables }),
    anotherNode: node,
    async breakTable() {
      broken = true;
    },
    close: () => Promise.resolve(),
  };
}
