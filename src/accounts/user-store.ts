import { randomUUID } from 'node:crypto';
import type { Kysely, Selectable } from 'kysely';
import type { Clock } from '../core/clock.ts';
import type { Database } from '../storage/database.ts';
import type { Schema, UsersTable } from '../storage/schema.ts';
import { usernameKey } from './username.ts';

export interface User {
  readonly id: string;
  readonly username: string;
  readonly email: string;
  readonly role: 'admin' | 'user';
  readonly disabled: boolean;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

export interface Credentials {
  readonly user: User;
  readonly passwordHash: string;
}

/** Username and email as `readNewAccount` gives them. */
export interface NewUser {
  readonly username: string;
  readonly email: string;
  readonly passwordHash: string;
  readonly role: User['role'];
}

type Created = { readonly kind: 'created'; readonly user: User };

export interface UserStore {
  /** Whether anybody was ever set up. Asks the database until the answer is yes. */
  anyUserExists(): Promise<boolean>;
  /** Of any number of requests at the same time, on any number of nodes, one makes the first admin. */
  createFirstAdmin(person: Omit<NewUser, 'role'>): Promise<Created | { readonly kind: 'already_set_up' }>;
  createUser(person: NewUser): Promise<Created | { readonly kind: 'username_taken' }>;
  findById(userId: string): Promise<User | undefined>;
  findByUsername(username: string): Promise<User | undefined>;
  findCredentials(username: string): Promise<Credentials | undefined>;
  /** Whether the user is not disabled and has this very password hash: asked again where time has passed. */
  isStillWelcome(userId: string, passwordHash: string): Promise<boolean>;
  /** Ordered by username. */
  list(): Promise<readonly User[]>;
  setPassword(userId: string, passwordHash: string): Promise<void>;
  /** The same only if the old hash is still there; false when somebody else changed the password. */
  replacePasswordHash(userId: string, oldHash: string, newHash: string): Promise<boolean>;
  setDisabled(userId: string, disabled: boolean): Promise<void>;
  /** False, and nothing is changed, when nobody would be left who can administer. */
  disableUnlessLastAdmin(userId: string): Promise<boolean>;
}

export interface UserStoreDeps {
  readonly database: Pick<Database, 'db'>;
  readonly clock: Clock;
}

/** The people, in SQL. A username's key is unique in the database, so two requests cannot both take it. */
export function createUserStore({ database: { db }, clock }: UserStoreDeps): UserStore {
  let anyone = false;

  const findRow = (username: string) =>
    db.selectFrom('users').selectAll().where('username_key', '=', usernameKey(username)).executeTakeFirst();

  return {
    async anyUserExists() {
      anyone ||= (await isClaimed(db)) || (await hasUsers(db));
      return anyone;
    },

    createFirstAdmin: (person) =>
      db.transaction().execute(async (trx) => {
        if (!(await claimInstallation(trx, clock.now())) || (await hasUsers(trx)))
          return { kind: 'already_set_up' };
        const row = newRow({ ...person, role: 'admin' }, clock.now());
        await trx.insertInto('users').values(row).execute();
        return { kind: 'created', user: toUser(row) };
      }),

    createUser: (person) =>
      db.transaction().execute(async (trx) => {
        await claimInstallation(trx, clock.now());
        const row = newRow(person, clock.now());
        const { numInsertedOrUpdatedRows } = await trx
          .insertInto('users')
          .values(row)
          .onConflict((conflict) => conflict.column('username_key').doNothing())
          .executeTakeFirstOrThrow();
        return numInsertedOrUpdatedRows === 1n
          ? { kind: 'created', user: toUser(row) }
          : { kind: 'username_taken' };
      }),

    async findById(userId) {
      const row = await db.selectFrom('users').selectAll().where('id', '=', userId).executeTakeFirst();
      return row && toUser(row);
    },

    async findByUsername(username) {
      const row = await findRow(username);
      return row && toUser(row);
    },

    async findCredentials(username) {
      const row = await findRow(username);
      return row && { user: toUser(row), passwordHash: row.password_hash };
    },

    async isStillWelcome(userId, passwordHash) {
      const row = await db
        .selectFrom('users')
        .select('id')
        .where('id', '=', userId)
        .where('password_hash', '=', passwordHash)
        .where('disabled', '=', 0)
        .executeTakeFirst();
      return row !== undefined;
    },

    async list() {
      const rows = await db.selectFrom('users').selectAll().orderBy('username_key').execute();
      return rows.map(toUser);
    },

    async setPassword(userId, passwordHash) {
      await db.updateTable('users').set({ password_hash: passwordHash }).where('id', '=', userId).execute();
    },

    async replacePasswordHash(userId, oldHash, newHash) {
      const { numUpdatedRows } = await db
        .updateTable('users')
        .set({ password_hash: newHash })
        .where('id', '=', userId)
        .where('password_hash', '=', oldHash)
        .executeTakeFirstOrThrow();
      return numUpdatedRows === 1n;
    },

    async setDisabled(userId, disabled) {
      await db
        .updateTable('users')
        .set({ disabled: disabled ? 1 : 0 })
        .where('id', '=', userId)
        .execute();
    },

    disableUnlessLastAdmin: (userId) =>
      db.transaction().execute(async (trx) => {
        await waitForTurn(trx);
        const admins = await trx
          .selectFrom('users')
          .select('id')
          .where('role', '=', 'admin')
          .where('disabled', '=', 0)
          .execute();
        if (admins.length === 1 && admins[0]?.id === userId) return false;
        await trx.updateTable('users').set({ disabled: 1 }).where('id', '=', userId).execute();
        return true;
      }),
  };
}

/** Until the transaction ends nobody else gets past here: two who disable each other would leave nobody. */
async function waitForTurn(trx: Kysely<Schema>): Promise<void> {
  await trx.updateTable('installation').set({ id: 1 }).where('id', '=', 1).execute();
}

/** True for one caller ever. Others wait for its transaction, and get their turn only if that was rolled back. */
async function claimInstallation(db: Kysely<Schema>, now: number): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('installation')
    .values({ id: 1, created_at: now })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows === 1n;
}

async function isClaimed(db: Kysely<Schema>): Promise<boolean> {
  return (await db.selectFrom('installation').select('id').limit(1).executeTakeFirst()) !== undefined;
}

async function hasUsers(db: Kysely<Schema>): Promise<boolean> {
  return (await db.selectFrom('users').select('id').limit(1).executeTakeFirst()) !== undefined;
}

function newRow({ username, email, passwordHash, role }: NewUser, now: number): Selectable<UsersTable> {
  return {
    id: randomUUID(),
    username,
    username_key: usernameKey(username),
    email,
    password_hash: passwordHash,
    role,
    disabled: 0,
    created_at: now,
  };
}

function toUser(row: Selectable<UsersTable>): User {
  return {
    id: row.id,
    username: row.username,
    email: row.email,
    role: row.role,
    disabled: row.disabled === 1,
    createdAt: row.created_at,
  };
}
