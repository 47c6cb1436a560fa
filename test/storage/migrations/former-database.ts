import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import pg from 'pg';
import type { DatabaseLocation } from '../../../src/storage/database.ts';
import { emptyPostgres } from '../../support/databases.ts';

const dump = (dialect: string): string =>
  readFileSync(join(import.meta.dirname, `former/${dialect}.sql`), 'utf8');

/** Makes a file as the last version before the squash made it, with rows in every table. */
export function makeFormerSqlite(file: string): void {
  const sqlite = new Sqlite(file);
  sqlite.exec(dump('sqlite'));
  sqlite.close();
}

/** The same on the run's shared Postgres. */
export async function makeFormerPostgres(): Promise<DatabaseLocation> {
  const location = await emptyPostgres();
  if (location.dialect !== 'postgres') throw new Error('Not a Postgres');
  const client = new pg.Client({ connectionString: location.url });
  await client.connect();
  await client.query(dump('postgres'));
  await client.end();
  return location;
}
