import { CLOCK_SKEW_TOLERANCE_MS } from '../../../src/core/expiry.ts';
import type { Standing } from '../../../src/core/standing.ts';
import type { StandingStore } from '../../../src/sessions/standing-store.ts';
import { lockStatement, runStatement, statement } from './memory-database.ts';
import type { MemoryRevocationDeps } from './memory-revocations.ts';

/** What the database says of a user, in memory; on Postgres held by the shared locks of the real code. */
export function createMemoryStandingStore({
  database,
  tables,
  locksOf,
}: Pick<MemoryRevocationDeps, 'database' | 'tables' | 'locksOf'>): StandingStore {
  function read(userId: string, since: number): Standing | undefined {
    const user = tables.users.get(userId);
    if (user === undefined) return undefined;
    const revocations = tables.revocations
      .map(({ revocation }) => revocation)
      .filter(({ orderedAt }) => orderedAt >= since - CLOCK_SKEW_TOLERANCE_MS)
      .filter(({ scope }) => scope.kind === 'sweep' || scope.userId === userId)
      .map(({ scope, orderedAt }) => ({ scope, orderedAt }));
    return { ...user, epoch: tables.epochs.get(userId) ?? 0, revocations };
  }

  const select = (userId: string, since: number) => statement('select standing', () => read(userId, since));

  return {
    find: (userId, since) => database.execute(select(userId, since)),
    async hold(run, userId, since) {
      if (database.flavour === 'postgres')
        for (const lock of locksOf({ sharedBy: userId })) await runStatement(run, lockStatement(lock));
      return runStatement(run, select(userId, since));
    },
  };
}
