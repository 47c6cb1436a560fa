import type { Transaction } from 'kysely';
import type { Database } from '../../storage/database.ts';
import type { Schema } from '../../storage/schema.ts';
import { takeUserLock } from '../../storage/user-lock.ts';

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
  /** Where given, it must still be the user's: a sign-in that began with another password enrols nothing. */
  readonly passwordHash?: string;
}

/** Authenticator apps and recovery codes, in SQL. A user has one app at most. */
export interface FactorStore {
  find(userId: string): Promise<StoredFactor | undefined>;
  /** Of these users, those who have a factor. */
  listWithFactor(userIds: readonly string[]): Promise<ReadonlySet<string>>;
  /** False, and nothing is stored, where the user has one already or another password by now. */
  enrol(factor: NewFactor): Promise<boolean>;
  /** Moves the last accepted step on; false where it is there or beyond already. One of several callers gets true. */
  acceptStep(userId: string, step: number): Promise<boolean>;
  /** Uses a recovery code up; false where there is none. One of several callers gets true. */
  useRecoveryCode(userId: string, digest: string): Promise<boolean>;
  countRecoveryCodes(userId: string): Promise<number>;
  /** False where the user has no factor that they could stand in for. */
  replaceRecoveryCodes(userId: string, digests: readonly string[]): Promise<boolean>;
  /** The recovery codes too. False where there was nothing. */
  remove(userId: string): Promise<boolean>;
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
        .execute();
      return new Set(rows.map((row) => row.user_id));
    },

    enrol: ({ userId, secret, step, recoveryCodeDigests, passwordHash }) =>
      db.transaction().execute(async (trx) => {
        await takeUserLock(trx, userId);
        const user = await trx
          .selectFrom('users')
          .select('password_hash')
          .where('id', '=', userId)
          .executeTakeFirst();
        if (user === undefined || (passwordHash !== undefined && user.password_hash !== passwordHash))
          return false;
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
        const factor = await trx
          .selectFrom('totp_factors')
          .select('user_id')
          .where('user_id', '=', userId)
          .executeTakeFirst();
        if (factor === undefined) return false;
        await writeRecoveryCodes(trx, userId, digests);
        return true;
      }),

    remove: (userId) =>
      db.transaction().execute(async (trx) => {
        await takeUserLock(trx, userId);
        await trx.deleteFrom('recovery_codes').where('user_id', '=', userId).execute();
        const { numDeletedRows } = await trx
          .deleteFrom('totp_factors')
          .where('user_id', '=', userId)
          .executeTakeFirstOrThrow();
        return numDeletedRows === 1n;
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

async function writeRecoveryCodes(
  trx: Transaction<Schema>,
  userId: string,
  digests: readonly string[],
): Promise<void> {
  await trx.deleteFrom('recovery_codes').where('user_id', '=', userId).execute();
  await trx
    .insertInto('recovery_codes')
    .values(digests.map((digest) => ({ user_id: userId, digest })))
    .execute();
}
