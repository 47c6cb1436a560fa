import { randomUUID } from 'node:crypto';
import { DEFAULT_MIGRATION_TABLE } from 'kysely/migration';
import { inject, vi } from 'vitest';
import { type Database, type DatabaseLocation, openDatabase } from '../../src/storage/database.ts';
import { memoryLocation } from './memory-location.ts';
import { copyDatabase, createDatabase, query } from './postgres-server.ts';

/** Both databases that everything must work on, each opened without rows. */
export const DATABASES: readonly (readonly [string, () => Promise<Database>])[] = [
  ['SQLite', openMemory],
  ['Postgres', async () => openDatabase(await postgresLocation())],
];

export function openMemory(): Promise<Database> {
  return openDatabase(memoryLocation());
}

/** The URL of a database with tables and without rows on the run's shared Postgres: copied, which is quicker than migrated. */
export async function createPostgresDatabase(): Promise<string> {
  const url = await copyDatabase({ url: inject('migratedPostgresUrl') });
  // An installation is named after this, and two of one name hear each other over Redis.
  await query(url, `update ${DEFAULT_MIGRATION_TABLE} set timestamp = timestamp || $1`, [` ${randomUUID()}`]);
  return url;
}

/** The same, as the place of a database. */
export async function postgresLocation(): Promise<DatabaseLocation> {
  return { dialect: 'postgres', url: await createPostgresDatabase() };
}

/** A database without tables on the run's shared Postgres. */
export async function emptyPostgres(): Promise<DatabaseLocation> {
  return { dialect: 'postgres', url: await createDatabase({ url: inject('postgresUrl') }) };
}

/** Tokens, keys and bots belong to people, so there must be some. */
export async function addUser({ db }: Database, id: string): Promise<void> {
  await db
    .insertInto('users')
    .values({
      id,
      username: id,
      username_key: id,
      email: `${id}@example.com`,
      password_hash: '',
      role: 'user',
      disabled: 0,
      created_at: 0,
    })
    .execute();
}

export async function disableUser({ db }: Database, id: string): Promise<void> {
  await db.updateTable('users').set({ disabled: 1 }).where('id', '=', id).execute();
}

/** What ordering the end of everything of a user's does first. */
export async function moveEpoch({ db }: Database, userId: string): Promise<void> {
  await db
    .insertInto('user_epochs')
    .values({ user_id: userId, epoch: 1 })
    .onConflict((conflict) =>
      conflict.column('user_id').doUpdateSet((eb) => ({ epoch: eb('user_epochs.epoch', '+', 1) })),
    )
    .execute();
}

/** Between two tests on the same database: quicker than another Postgres database. */
export async function emptyTables({ db }: Database): Promise<void> {
  for (const table of [
    'sandbox_codes',
    'sandbox_tokens',
    'sandbox_refresh_tokens',
    'user_epochs',
    'users',
  ] as const)
    await db.deleteFrom(table).execute();
}

/** The statements that are sent from now on, each as it is sent. */
export function watchStatements({ db }: Pick<Database, 'db'>): () => readonly string[] {
  const sent = vi.spyOn(db.getExecutor(), 'executeQuery');
  return () => sent.mock.calls.map(([{ sql }]) => sql);
}
