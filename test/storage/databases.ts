import { inject } from 'vitest';
import { type Database, type DatabaseLocation, openDatabase } from '../../src/storage/database.ts';
import { createDatabase } from '../support/postgres-server.ts';

/** Both databases that everything must work on, each opened empty. */
export const DATABASES: readonly (readonly [string, () => Promise<Database>])[] = [
  ['SQLite', async () => openDatabase({ dialect: 'sqlite', file: ':memory:' })],
  ['Postgres', async () => openDatabase(await emptyPostgres())],
];

/** A new Postgres database on the run's shared server. */
export async function emptyPostgres(): Promise<DatabaseLocation> {
  return { dialect: 'postgres', url: await createDatabase({ url: inject('postgresUrl') }) };
}
