import { createHash } from 'node:crypto';
import { type RawBuilder, sql, type Transaction } from 'kysely';
import type { Database } from './database.ts';
import type { Schema } from './schema.ts';

/** Sets these locks apart from others in the same database. */
const LOCK_CLASS = 0x63666577;

/** The lock that every act shares, and that a revocation of all users takes alone. */
const ALL_USERS_KEY = 0;

export interface ActLocks {
  /** Users whose acts wait until this transaction is over. */
  readonly alone?: { readonly userId: string } | 'all_users';
  /** On whose behalf this transaction acts. */
  readonly sharedBy?: string | undefined;
}

/**
 * Orders acts and revocations on Postgres until the end of the transaction: an act is either committed before the
 * revocation is stored, or sees it. In ascending order, so that two administrators who revoke each other do not deadlock.
 * SQLite needs none: its writers come one after the other.
 */
export function actLocks({ alone, sharedBy }: ActLocks): readonly RawBuilder<unknown>[] {
  const locks = new Map<number, 'shared' | 'alone'>();
  if (sharedBy !== undefined) locks.set(keyOf(sharedBy), 'shared').set(ALL_USERS_KEY, 'shared');
  if (alone !== undefined) locks.set(alone === 'all_users' ? ALL_USERS_KEY : keyOf(alone.userId), 'alone');
  return [...locks]
    .toSorted(([a], [b]) => a - b)
    .map(([key, mode]) =>
      mode === 'alone'
        ? sql`select pg_advisory_xact_lock(${sql.lit(LOCK_CLASS)}, ${sql.lit(key)})`
        : sql`select pg_advisory_xact_lock_shared(${sql.lit(LOCK_CLASS)}, ${sql.lit(key)})`,
    );
}

/** First in a transaction: acts that are under way are committed before it is, and later ones see what it did. */
export async function waitForActs(
  trx: Transaction<Schema>,
  { dialect, acting }: Pick<Database, 'dialect' | 'acting'>,
  alone: NonNullable<ActLocks['alone']>,
): Promise<void> {
  if (dialect !== 'postgres') return;
  for (const lock of actLocks({ alone, sharedBy: acting.current()?.userId })) await lock.execute(trx);
}

function keyOf(userId: string): number {
  return createHash('sha256').update(userId).digest().readInt32BE();
}
