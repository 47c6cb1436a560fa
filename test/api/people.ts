import type { Database } from '../../src/storage/database.ts';

/** Keys belong to people, so there must be some. */
export async function addPerson({ db }: Database, id: string): Promise<void> {
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

export async function disablePerson({ db }: Database, id: string): Promise<void> {
  await db.updateTable('users').set({ disabled: 1 }).where('id', '=', id).execute();
}
