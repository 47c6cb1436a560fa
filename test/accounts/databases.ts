import { inject } from 'vitest';
import { type Database, openDatabase } from '../../src/storage/database.ts';
import { createDatabase } from '../support/postgres-server.ts';

/** Both databases that a store must work on, each opened empty. */
export const DATABASES: readonly (readonly [string, () => Promise<Database>])[] = [
  ['SQLite', () => openDatabase({ dialect: 'sqlite', file: ':memory:' })],
  [
    'Postgres',
    async () =>
      openDatabase({ dialect: 'postgres', url: await createDatabase({ url: inject('postgresUrl') }) }),
  ],
];
