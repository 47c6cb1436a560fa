import type { Database } from './database.ts';

/**
 * When this installation was set up, in ms since the epoch: the same for all servers on its database. Another one may hear
 * the same messages, since Redis carries them to everybody, whatever the number of their database there. Undefined before
 * the first account.
 */
export async function readInstalledAt({ db }: Pick<Database, 'db'>): Promise<number | undefined> {
  const row = await db.selectFrom('installation').select('created_at').limit(1).executeTakeFirst();
  return row?.created_at;
}
