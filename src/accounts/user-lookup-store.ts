import { type Selectable, sql } from 'kysely';
import { containsText } from '../storage/contains-text.ts';
import type { Database } from '../storage/database.ts';
import type { UsersTable } from '../storage/schema.ts';
import type { Credentials, User, UserSearch } from './user-store.ts';
import { usernameKey } from './username.ts';

/** Reads users, and changes nothing. */
export interface UserLookups {
  findById(userId: string): Promise<User | undefined>;
  findByUsername(username: string): Promise<User | undefined>;
  /** When the user of this name chose their password; see `User.passwordSetAt`. */
  passwordSetAt(usernameKey: string): Promise<number | undefined>;
  findCredentials(username: string): Promise<Credentials | undefined>;
  findCredentialsById(userId: string): Promise<Credentials | undefined>;
  /** Whether the user is not disabled and has this very password hash: asked again where time has passed. */
  credentialsStillValid(userId: string, passwordHash: string): Promise<boolean>;
  /** How many people's password hashes end so, for an ending without % and _. */
  countPasswordHashesEndingWith(ending: string): Promise<number>;
  /** Ordered by username. */
  list(): Promise<readonly User[]>;
  /** Ordered by username. */
  search(search: UserSearch): Promise<{ readonly users: readonly User[]; readonly total: number }>;
  /** Whatever its capital letters. Ordered by username. */
  listByEmail(email: string, limit: number): Promise<readonly User[]>;
}

export function createUserLookups({ db }: Pick<Database, 'db'>): UserLookups {
  const findRowById = (userId: string) =>
    db.selectFrom('users').selectAll().where('id', '=', userId).executeTakeFirst();
  const findRow = (username: string) =>
    db.selectFrom('users').selectAll().where('username_key', '=', usernameKey(username)).executeTakeFirst();

  return {
    async findById(userId) {
      const row = await findRowById(userId);
      return row && toUser(row);
    },

    async findByUsername(username) {
      const row = await findRow(username);
      return row && toUser(row);
    },

    async passwordSetAt(key) {
      const row = await db
        .selectFrom('users')
        .select('password_set_at')
        .where('username_key', '=', key)
        .executeTakeFirst();
      return row?.password_set_at;
    },

    async findCredentials(username) {
      const row = await findRow(username);
      return row && { user: toUser(row), passwordHash: row.password_hash };
    },

    async findCredentialsById(userId) {
      const row = await findRowById(userId);
      return row && { user: toUser(row), passwordHash: row.password_hash };
    },

    async credentialsStillValid(userId, passwordHash) {
      const row = await db
        .selectFrom('users')
        .select('id')
        .where('id', '=', userId)
        .where('password_hash', '=', passwordHash)
        .where('disabled', '=', 0)
        .executeTakeFirst();
      return row !== undefined;
    },

    async countPasswordHashesEndingWith(ending) {
      const { count } = await db
        .selectFrom('users')
        .select((eb) => eb.fn.countAll<number | string>().as('count'))
        .where('password_hash', 'like', `%${ending}`)
        .executeTakeFirstOrThrow();
      return Number(count);
    },

    async list() {
      const rows = await db.selectFrom('users').selectAll().orderBy('username_key').execute();
      return rows.map(toUser);
    },

    async search({ text, offset, limit }) {
      const key = usernameKey(text);
      const matching = db
        .selectFrom('users')
        .$if(text !== '', (query) =>
          query.where(({ or }) =>
            or([containsText(sql.ref('username_key'), key), containsText(sql`lower(email)`, key)]),
          ),
        );
      const { total } = await matching
        .select(({ fn }) => fn.countAll<number>().as('total'))
        .executeTakeFirstOrThrow();
      const rows = await matching.selectAll().orderBy('username_key').offset(offset).limit(limit).execute();
      return { users: rows.map(toUser), total: Number(total) };
    },

    async listByEmail(email, limit) {
      const rows = await db
        .selectFrom('users')
        .selectAll()
        .where(sql`lower(email)`, '=', email.toLowerCase())
        .orderBy('username_key')
        .limit(limit)
        .execute();
      return rows.map(toUser);
    },
  };
}

export function toUser(row: Selectable<UsersTable>): User {
  return {
    id: row.id,
    username: row.username,
    email: row.email,
    emailConfirmed: row.email_confirmed_at !== null,
    role: row.role,
    disabled: row.disabled === 1,
    createdAt: row.created_at,
    passwordSetAt: row.password_set_at,
    lastSignInAt: row.last_sign_in_at ?? undefined,
  };
}
