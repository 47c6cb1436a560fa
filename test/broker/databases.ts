import { inject } from 'vitest';
import { type Database, openDatabase } from '../../src/storage/database.ts';
import { createDatabase } from '../support/postgres-server.ts';

/** Both databases that a store must work on, each opened empty. */
export const DATABASES: readonly (readonly [string, () => Promise<Database>])[] = [
  ['SQLite', openMemory],
  [
    'Postgres',
    async () =>
      openDatabase({ dialect: 'postgres', url: await createDatabase({ url: inject('postgresUrl') }) }),
  ],
];

export function openMemory(): Promise<Database> {
  return openDatabase({ dialect: 'sqlite', file: ':memory:' });
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

/** Between two tests on the same database: opening a Postgres of one's own takes a second. */
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
