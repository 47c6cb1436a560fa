import { hash } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import type { Database } from './database.ts';

/** Things that may be used once, over all nodes and restarts: half a sign-in, a challenge. Kept as digests, until none could be taken any more. */
export interface SingleUses {
  /** True for one caller ever. `until`: from when on it cannot be taken anyway, in ms since the epoch. */
  use(token: string, until: number): Promise<boolean>;
  isUsed(token: string): Promise<boolean>;
  forgetOld(): Promise<void>;
}

export interface SingleUsesDeps {
  readonly database: Pick<Database, 'db'>;
  readonly clock: Clock;
}

export function createSingleUses({ database: { db }, clock }: SingleUsesDeps): SingleUses {
  return {
    async use(token, until) {
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('single_uses')
        .values({ digest: digestOf(token), forget_at: until })
        .onConflict((conflict) => conflict.column('digest').doNothing())
        .executeTakeFirstOrThrow();
      return numInsertedOrUpdatedRows === 1n;
    },

    async isUsed(token) {
      const row = await db
        .selectFrom('single_uses')
        .select('digest')
        .where('digest', '=', digestOf(token))
        .executeTakeFirst();
      return row !== undefined;
    },

    async forgetOld() {
      await db.deleteFrom('single_uses').where('forget_at', '<', clock.now()).execute();
    },
  };
}

const digestOf = (token: string): string => hash('sha256', token, 'base64url');
