import { randomUUID } from 'node:crypto';
import type { Kysely, Selectable } from 'kysely';
import type { Clock } from '../core/clock.ts';
import type { Role } from '../core/role.ts';
import { waitForActs } from '../storage/act-locks.ts';
import type { ChangeInTransaction, InTransaction } from '../storage/change-in-transaction.ts';
import type { Database } from '../storage/database.ts';
import type { Schema, UsersTable } from '../storage/schema.ts';
import { revokeInvitationsBy } from './invitations/invitation-store.ts';
import { removeAccountLinks } from './one-time-links/link-store.ts';
import { createUserLookups, toUser, type UserLookups } from './user-lookup-store.ts';
import { usernameKey } from './username.ts';

export interface User {
  readonly id: string;
  readonly username: string;
  readonly email: string;
  /** By a link that was sent there. */
  readonly emailConfirmed: boolean;
  readonly role: Role;
  readonly disabled: boolean;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** When they or an operator chose the password, in ms since the epoch; 0 for one from before this was written down. */
  readonly passwordSetAt: number;
  /** The same; undefined before the first time. */
  readonly lastSignInAt: number | undefined;
}

export interface UserSearch {
  /** A part of the username or the email address; '' for all. */
  readonly text: string;
  readonly offset: number;
  readonly limit: number;
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

export interface UserStore extends UserLookups {
  /** Whether an account was ever created. Asks the database until the answer is yes. */
  anyUserExists(): Promise<boolean>;
  /** Of any number of requests at the same time, on any number of nodes, one makes the first admin. */
  createFirstAdmin(person: Omit<NewUser, 'role'>): Promise<Created | { readonly kind: 'already_set_up' }>;
  createUser(person: NewUser): Promise<Created | { readonly kind: 'username_taken' }>;
  /** The same with the use of their invitation, in one transaction; `refused` where that was used up meanwhile. */
  createInvitedUser(
    person: NewUser,
    accept: ChangeInTransaction,
  ): Promise<Created | { readonly kind: 'username_taken' | 'refused' }>;
  /**
   * Another password. With it go the user's open links to reset it and to change the email address, and, with `trx`, the
   * transaction that also ends what began with the former one, their open invitations. Where `replaces` is given and not the
   * stored hash any more: false, and nothing is changed.
   */
  setPassword(
    userId: string,
    passwordHash: string,
    options?: { readonly trx?: InTransaction; readonly replaces?: string },
  ): Promise<boolean>;
  /** The open links to a former address, and to yet another, go with it. */
  setEmail(userId: string, email: string, options: { readonly isConfirmed: boolean }): Promise<void>;
  /** The same password, hashed anew, only if the old hash is still there; false when the password was changed meanwhile. */
  replacePasswordHash(userId: string, oldHash: string, newHash: string): Promise<boolean>;
  setDisabled(userId: string, disabled: boolean): Promise<void>;
  /** In the transaction that also ends everything of theirs; open links and invitations go with it. False, and nothing is changed, when no active administrator would be left. */
  disableUnlessLastAdmin(userId: string, trx: InTransaction): Promise<boolean>;
  /** Resolves to the role before, or to `last_admin`, and nothing is changed, when none would be left. */
  changeRoleUnlessLastAdmin(
    userId: string,
    role: User['role'],
    within?: InTransaction,
  ): Promise<User['role'] | 'last_admin'>;
  /** That the user has signed in just now. */
  noteSignIn(userId: string): Promise<void>;
}

export interface UserStoreDeps {
  readonly database: Pick<Database, 'db' | 'dialect' | 'acting'>;
  readonly clock: Clock;
}

/** The people, in SQL. A username's key is unique in the database, so two requests cannot both take it. */
export function createUserStore({ database, clock }: UserStoreDeps): UserStore {
  const { db } = database;
  let anyone = false;

  return {
    ...createUserLookups(database),

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

    createUser: (person) => db.transaction().execute((trx) => insertUser(trx, person, clock.now())),

    async createInvitedUser(person, accept) {
      try {
        return await db.transaction().execute(async (trx) => {
          const made = await insertUser(trx, person, clock.now());
          if (made.kind === 'created' && !(await accept(trx))) throw new InvitationOverError();
          return made;
        });
      } catch (error) {
        if (error instanceof InvitationOverError) return { kind: 'refused' };
        throw error;
      }
    },

    async setPassword(userId, passwordHash, { trx, replaces } = {}) {
      const change = (within: InTransaction) =>
        replacePassword(within, userId, { passwordHash, replaces, now: clock.now() });
      if (trx === undefined) return db.transaction().execute(change);
      if (!(await change(trx))) return false;
      await revokeInvitationsBy(trx, userId, clock.now());
      return true;
    },

    async setEmail(userId, email, { isConfirmed }) {
      const email_confirmed_at = isConfirmed ? clock.now() : null;
      await db.transaction().execute(async (trx) => {
        await trx.updateTable('users').set({ email, email_confirmed_at }).where('id', '=', userId).execute();
        await removeAccountLinks(trx, userId);
      });
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

    async disableUnlessLastAdmin(userId, trx) {
      await waitForTurn(trx);
      if (await isLastAdmin(trx, userId)) return false;
      await trx.updateTable('users').set({ disabled: 1 }).where('id', '=', userId).execute();
      await removeAccountLinks(trx, userId);
      await revokeInvitationsBy(trx, userId, clock.now());
      return true;
    },

    changeRoleUnlessLastAdmin(userId, role, within) {
      if (within !== undefined) return changeRole(within, userId, role, clock.now());
      return db.transaction().execute(async (trx) => {
        await waitForActs(trx, database, { userId });
        return changeRole(trx, userId, role, clock.now());
      });
    },

    async noteSignIn(userId) {
      await db.updateTable('users').set({ last_sign_in_at: clock.now() }).where('id', '=', userId).execute();
    },
  };
}

async function replacePassword(
  trx: InTransaction,
  userId: string,
  {
    passwordHash,
    replaces,
    now,
  }: { readonly passwordHash: string; readonly replaces: string | undefined; readonly now: number },
): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('users')
    .set({ password_hash: passwordHash, password_set_at: now })
    .where('id', '=', userId)
    .$if(replaces !== undefined, (query) => query.where('password_hash', '=', replaces ?? ''))
    .executeTakeFirstOrThrow();
  if (numUpdatedRows !== 1n) return false;
  await removeAccountLinks(trx, userId);
  return true;
}

async function changeRole(
  trx: InTransaction,
  userId: string,
  role: User['role'],
  now: number,
): Promise<User['role'] | 'last_admin'> {
  await waitForTurn(trx);
  if (role !== 'admin' && (await isLastAdmin(trx, userId))) return 'last_admin';
  const before = await trx
    .selectFrom('users')
    .select('role')
    .where('id', '=', userId)
    .executeTakeFirstOrThrow();
  await trx.updateTable('users').set({ role }).where('id', '=', userId).execute();
  // For good: they must not open again with a later promotion.
  if (before.role === 'admin' && role !== 'admin') await revokeInvitationsBy(trx, userId, now);
  return before.role;
}

/** Rolls back the account that was made with it. */
class InvitationOverError extends Error {}

async function insertUser(
  trx: InTransaction,
  person: NewUser,
  now: number,
): Promise<Created | { readonly kind: 'username_taken' }> {
  await claimInstallation(trx, now);
  const row = newRow(person, now);
  const { numInsertedOrUpdatedRows } = await trx
    .insertInto('users')
    .values(row)
    .onConflict((conflict) => conflict.column('username_key').doNothing())
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows === 1n
    ? { kind: 'created', user: toUser(row) }
    : { kind: 'username_taken' };
}

/** Until the transaction ends no other one gets past here: two administrators who disable each other would leave none. */
async function waitForTurn(trx: Kysely<Schema>): Promise<void> {
  await trx.updateTable('installation').set({ id: 1 }).where('id', '=', 1).execute();
}

/** Whether there is no other active administrator. */
async function isLastAdmin(trx: Kysely<Schema>, userId: string): Promise<boolean> {
  const admins = await trx
    .selectFrom('users')
    .select('id')
    .where('role', '=', 'admin')
    .where('disabled', '=', 0)
    .execute();
  return admins.length === 1 && admins[0]?.id === userId;
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
    password_set_at: now,
    role,
    disabled: 0,
    created_at: now,
    last_sign_in_at: null,
    email_confirmed_at: null,
  };
}
