import type { Kysely } from 'kysely';
import { CLOCK_SKEW_TOLERANCE_MS } from '../core/expiry.ts';
import type { Standing } from '../core/standing.ts';
import { readStoredScope } from '../core/stored-revocation.ts';
import { actLocks } from '../storage/act-locks.ts';
import type { RunInTransaction } from '../storage/acting.ts';
import type { Database } from '../storage/database.ts';
import type { Schema } from '../storage/schema.ts';

export interface StandingStore {
  /** Undefined for a user who is gone. `since`: ms since the Unix epoch. */
  find(userId: string, since: number): Promise<Standing | undefined>;
  /** The same within a transaction, where it stays true until the commit: a revocation waits for that. */
  hold(run: RunInTransaction, userId: string, since: number): Promise<Standing | undefined>;
}

export function createStandingStore({ db, dialect }: Database): StandingStore {
  async function read(run: RunInTransaction, userId: string, since: number): Promise<Standing | undefined> {
    const [user] = await run(selectUser(db, userId));
    if (user === undefined) return undefined;
    const revocations = await run(selectRevocations(db, userId, since - CLOCK_SKEW_TOLERANCE_MS));
    return {
      role: user.role,
      disabled: user.disabled === 1,
      epoch: user.epoch ?? 0,
      revocations: revocations.map((row) => ({
        scope: readStoredScope(row),
        orderedAt: row.ordered_at,
      })),
    };
  }

  return {
    find: (userId, since) => read(async (query) => (await db.executeQuery(query)).rows, userId, since),

    async hold(run, userId, since) {
      if (dialect === 'postgres')
        for (const lock of actLocks({ sharedBy: userId })) await run(lock.compile(db));
      return read(run, userId, since);
    },
  };
}

const selectUser = (db: Kysely<Schema>, userId: string) =>
  db
    .selectFrom('users')
    .leftJoin('user_epochs', 'user_epochs.user_id', 'users.id')
    .select(['role', 'disabled', 'epoch'])
    .where('users.id', '=', userId)
    .compile();

const selectRevocations = (db: Kysely<Schema>, userId: string, since: number) =>
  db
    .selectFrom('revocations')
    .select(['scope', 'user_id', 'ordered_at'])
    .where('user_id', '=', userId)
    .where('ordered_at', '>=', since)
    .unionAll(
      db
        .selectFrom('revocations')
        .select(['scope', 'user_id', 'ordered_at'])
        .where('user_id', 'is', null)
        .where('ordered_at', '>=', since),
    )
    .compile();
