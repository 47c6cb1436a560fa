import { sql } from 'kysely';
import { containsText } from '../storage/contains-text.ts';
import type { Database } from '../storage/database.ts';

/** People's names for their ids and the other way round, as events have the ids. */
export interface AuditPeopleStore {
  namesOf(userIds: readonly string[]): Promise<ReadonlyMap<string, string>>;
  idOf(username: string): Promise<string | undefined>;
  /** Of people whose name has a text in it; not more than so many. */
  idsWith(text: string, limit: number): Promise<readonly string[]>;
}

export function createAuditPeopleStore({ db }: Database): AuditPeopleStore {
  return {
    async namesOf(userIds) {
      if (userIds.length === 0) return new Map();
      const rows = await db
        .selectFrom('users')
        .select(['id', 'username'])
        .where('id', 'in', [...userIds])
        .execute();
      return new Map(rows.map(({ id, username }) => [id, username]));
    },

    async idOf(username) {
      const row = await db
        .selectFrom('users')
        .select('id')
        .where('username_key', '=', asKey(username))
        .executeTakeFirst();
      return row?.id;
    },

    async idsWith(text, limit) {
      const rows = await db
        .selectFrom('users')
        .select('id')
        .where(containsText(sql.ref('username_key'), asKey(text)))
        .limit(limit)
        .execute();
      return rows.map(({ id }) => id);
    },
  };
}

/** As names are compared. */
const asKey = (username: string): string => username.normalize('NFKC').toLowerCase();
