import type { Kysely } from 'kysely';
import type { InTransaction } from '../../storage/change-in-transaction.ts';
import type { Database } from '../../storage/database.ts';
import type { Schema } from '../../storage/schema.ts';
import { takeUserLock } from '../../storage/user-lock.ts';
import type { StoredPasskey } from '../passkeys/passkey-store.ts';

export interface StoredFactor {
  /** Encrypted. */
  readonly secret: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

export interface NewFactor {
  readonly userId: string;
  /** Encrypted. */
  readonly secret: string;
  /** The step of the code that confirmed it: that code is used. */
  readonly step: number;
  readonly recoveryCodeDigests: readonly string[];
  /**
   * Of a sign-in that enrols the user's first factor: it must still be theirs, and there must be no factor by now, or who
   * knows the password alone would get past the one that was set up meanwhile.
   */
  readonly passwordHash?: string;
}

export interface NewPasskey extends Omit<StoredPasskey, 'createdAt' | 'lastUsedAt'> {
  readonly counter: number;
  /** Stored where it is the user's first factor. */
  readonly recoveryCodeDigests: readonly string[];
  /** As in `NewFactor`. */
  readonly passwordHash?: string;
}

/** More than a user needs, and few enough for one page. */
export const MOST_PASSKEYS = 20;

/** Authenticator apps, passkeys and the recovery codes beside them, in SQL. A user has one app at most. */
export interface FactorStore {
  /** The app. */
  find(userId: string): Promise<StoredFactor | undefined>;
  countPasskeys(userId: string): Promise<number>;
  /** Of these users, those who have a factor. */
  listWithFactor(userIds: readonly string[]): Promise<ReadonlySet<string>>;
  /** False, and nothing is stored, where the user has one already, or the sign-in that enrols it is out of date. */
  enrol(factor: NewFactor): Promise<boolean>;
  /** Moves the last accepted step on; false where it is there or beyond already. One of several callers gets true. */
  acceptStep(userId: string, step: number): Promise<boolean>;
  /** All of them. */
  removeRecoveryCodes(userId: string, trx: InTransaction): Promise<void>;
  /** Uses a recovery code up; false where there is none. One of several callers gets true. */
  useRecoveryCode(userId: string, digest: string): Promise<boolean>;
  countRecoveryCodes(userId: string): Promise<number>;
  /** `refused` where it is known already, or the sign-in that enrols it is out of date: see `NewFactor`. */
  addPasskey(passkey: NewPasskey): Promise<'added' | 'first_factor' | 'too_many' | 'refused'>;
  /** With the recovery codes where it was the last factor. False where the user has no such passkey. */
  removePasskey(userId: string, id: string): Promise<boolean>;
  /** False where the user has no factor that they could stand in for. */
  replaceRecoveryCodes(userId: string, digests: readonly string[]): Promise<boolean>;
  /** The app, and the recovery codes where there is no passkey. False where there was none. */
  remove(userId: string): Promise<boolean>;
  /** Everything. */
  removeAll(userId: string): Promise<{ readonly hadApp: boolean; readonly passkeys: number }>;
  /** Whether it is the oldest account. */
  isFirstAccount(userId: string): Promise<boolean>;
}

export function createFactorStore({
  database: { db },
  now,
}: {
  readonly database: Pick<Database, 'db'>;
  readonly now: () => number;
}): FactorStore {
  return {
    ...createPasskeyRows(db, now),

    ...createRecoveryCodeRows(db),

    async find(userId) {
      const row = await db
        .selectFrom('totp_factors')
        .select(['secret', 'created_at'])
        .where('user_id', '=', userId)
        .executeTakeFirst();
      return row && { secret: row.secret, createdAt: row.created_at };
    },

    async listWithFactor(userIds) {
      if (userIds.length === 0) return new Set();
      const rows = await db
        .selectFrom('totp_factors')
        .select('user_id')
        .where('user_id', 'in', userIds)
        .union(db.selectFrom('passkeys').select('user_id').where('user_id', 'in', userIds))
        .execute();
      return new Set(rows.map((row) => row.user_id));
    },

    enrol: ({ userId, secret, step, recoveryCodeDigests, passwordHash }) =>
      db.transaction().execute(async (trx) => {
        await takeUserLock(trx, userId);
        if (!(await mayEnrol(trx, userId, passwordHash))) return false;
        const { numInsertedOrUpdatedRows } = await trx
          .insertInto('totp_factors')
          .values({ user_id: userId, secret, last_step: step, created_at: now() })
          .onConflict((conflict) => conflict.column('user_id').doNothing())
          .executeTakeFirstOrThrow();
        if (numInsertedOrUpdatedRows !== 1n) return false;
        await writeRecoveryCodes(trx, userId, recoveryCodeDigests);
        return true;
      }),

    async acceptStep(userId, step) {
      const { numUpdatedRows } = await db
        .updateTable('totp_factors')
        .set({ last_step: step })
        .where('user_id', '=', userId)
        .where('last_step', '<', step)
        .executeTakeFirstOrThrow();
      return numUpdatedRows === 1n;
    },

    remove: (userId) =>
      db.transaction().execute(async (trx) => {
        await takeUserLock(trx, userId);
        const { numDeletedRows } = await trx
          .deleteFrom('totp_factors')
          .where('user_id', '=', userId)
          .executeTakeFirstOrThrow();
        if (!(await hasAny(trx, userId))) await removeRecoveryCodes(trx, userId);
        return numDeletedRows === 1n;
      }),

    removeAll: (userId) =>
      db.transaction().execute(async (trx) => {
        await takeUserLock(trx, userId);
        await removeRecoveryCodes(trx, userId);
        const apps = await trx
          .deleteFrom('totp_factors')
          .where('user_id', '=', userId)
          .executeTakeFirstOrThrow();
        const passkeys = await trx
          .deleteFrom('passkeys')
          .where('user_id', '=', userId)
          .executeTakeFirstOrThrow();
        return { hadApp: apps.numDeletedRows > 0n, passkeys: Number(passkeys.numDeletedRows) };
      }),

    async isFirstAccount(userId) {
      const first = await db
        .selectFrom('users')
        .select('id')
        .orderBy('created_at')
        .orderBy('id')
        .limit(1)
        .executeTakeFirst();
      return first?.id === userId;
    },
  };
}

function createPasskeyRows(
  db: Kysely<Schema>,
  now: () => number,
): Pick<FactorStore, 'countPasskeys' | 'addPasskey' | 'removePasskey'> {
  return {
    countPasskeys: (userId) => countPasskeys(db, userId),

    addPasskey: ({ userId, recoveryCodeDigests, passwordHash, ...passkey }) =>
      db.transaction().execute(async (trx) => {
        await takeUserLock(trx, userId);
        if (!(await mayEnrol(trx, userId, passwordHash))) return 'refused';
        if ((await countPasskeys(trx, userId)) >= MOST_PASSKEYS) return 'too_many';
        const isFirst = !(await hasAny(trx, userId));
        const { numInsertedOrUpdatedRows } = await trx
          .insertInto('passkeys')
          .values({
            id: passkey.id,
            user_id: userId,
            name: passkey.name,
            public_key: passkey.publicKey,
            counter: passkey.counter,
            transports: passkey.transports.join(','),
            can_be_backed_up: passkey.canBeBackedUp ? 1 : 0,
            is_backed_up: passkey.isBackedUp ? 1 : 0,
            rp_id: passkey.rpId,
            created_at: now(),
          })
          .onConflict((conflict) => conflict.column('id').doNothing())
          .executeTakeFirstOrThrow();
        if (numInsertedOrUpdatedRows !== 1n) return 'refused';
        if (!isFirst) return 'added';
        await writeRecoveryCodes(trx, userId, recoveryCodeDigests);
        return 'first_factor';
      }),

    removePasskey: (userId, id) =>
      db.transaction().execute(async (trx) => {
        await takeUserLock(trx, userId);
        const { numDeletedRows } = await trx
          .deleteFrom('passkeys')
          .where('id', '=', id)
          .where('user_id', '=', userId)
          .executeTakeFirstOrThrow();
        if (!(await hasAny(trx, userId))) await removeRecoveryCodes(trx, userId);
        return numDeletedRows === 1n;
      }),
  };
}

function createRecoveryCodeRows(
  db: Kysely<Schema>,
): Pick<
  FactorStore,
  'removeRecoveryCodes' | 'useRecoveryCode' | 'countRecoveryCodes' | 'replaceRecoveryCodes'
> {
  return {
    removeRecoveryCodes: (userId, trx) => removeRecoveryCodes(trx, userId),

    async useRecoveryCode(userId, digest) {
      const { numDeletedRows } = await db
        .deleteFrom('recovery_codes')
        .where('user_id', '=', userId)
        .where('digest', '=', digest)
        .executeTakeFirstOrThrow();
      return numDeletedRows === 1n;
    },

    async countRecoveryCodes(userId) {
      const { count } = await db
        .selectFrom('recovery_codes')
        .select(({ fn }) => fn.countAll<number | string>().as('count'))
        .where('user_id', '=', userId)
        .executeTakeFirstOrThrow();
      return Number(count);
    },

    replaceRecoveryCodes: (userId, digests) =>
      db.transaction().execute(async (trx) => {
        await takeUserLock(trx, userId);
        if (!(await hasAny(trx, userId))) return false;
        await writeRecoveryCodes(trx, userId, digests);
        return true;
      }),
  };
}

async function mayEnrol(
  trx: InTransaction,
  userId: string,
  passwordHash: string | undefined,
): Promise<boolean> {
  const user = await trx
    .selectFrom('users')
    .select('password_hash')
    .where('id', '=', userId)
    .executeTakeFirst();
  if (user === undefined || passwordHash === undefined) return user !== undefined;
  return user.password_hash === passwordHash && !(await hasAny(trx, userId));
}

async function hasAny(trx: InTransaction, userId: string): Promise<boolean> {
  const app = await trx
    .selectFrom('totp_factors')
    .select('user_id')
    .where('user_id', '=', userId)
    .executeTakeFirst();
  return app !== undefined || (await countPasskeys(trx, userId)) > 0;
}

async function countPasskeys(db: Kysely<Schema>, userId: string): Promise<number> {
  const { count } = await db
    .selectFrom('passkeys')
    .select(({ fn }) => fn.countAll<number | string>().as('count'))
    .where('user_id', '=', userId)
    .executeTakeFirstOrThrow();
  return Number(count);
}

async function removeRecoveryCodes(trx: InTransaction, userId: string): Promise<void> {
  await trx.deleteFrom('recovery_codes').where('user_id', '=', userId).execute();
}

async function writeRecoveryCodes(
  trx: InTransaction,
  userId: string,
  digests: readonly string[],
): Promise<void> {
  await removeRecoveryCodes(trx, userId);
  await trx
    .insertInto('recovery_codes')
    .values(digests.map((digest) => ({ user_id: userId, digest })))
    .execute();
}
