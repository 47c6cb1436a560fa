import type { BanCause } from '../core/ban-policy.ts';
import type { Database } from '../storage/database.ts';

/** Something that counts towards a ban. */
export interface BanHit {
  readonly subject: string;
  readonly cause: BanCause;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface HitCount {
  readonly subject: string;
  readonly hits: number;
}

/** Hits that count towards bans, of all nodes. */
export interface BanHitStore {
  add(hits: readonly BanHit[]): Promise<void>;
  /** Of these subjects (at most 500), how often each did it after the instant: half-open, what happened at it is past. */
  count(cause: BanCause, subjects: readonly string[], after: number): Promise<readonly HitCount[]>;
  /** Removes what is older than the instant, and of the rest what is more than `mostRows`, oldest first. */
  trim(before: number, mostRows: number): Promise<void>;
}

const BATCH = 1000;

export function createBanHitStore({ db }: Database): BanHitStore {
  return {
    async add(hits) {
      for (let start = 0; start < hits.length; start += BATCH) {
        await db
          .insertInto('ban_hits')
          .values(hits.slice(start, start + BATCH))
          .execute();
      }
    },

    async count(cause, subjects, after) {
      const rows = await db
        .selectFrom('ban_hits')
        .select(['subject', ({ fn }) => fn.countAll<number>().as('hits')])
        .where('subject', 'in', subjects)
        .where('cause', '=', cause)
        .where('at', '>', after)
        .groupBy('subject')
        .execute();
      return rows.map(({ subject, hits }) => ({ subject, hits: Number(hits) }));
    },

    async trim(before, mostRows) {
      await db.deleteFrom('ban_hits').where('at', '<=', before).execute();
      const last = await db
        .selectFrom('ban_hits')
        .select('id')
        .orderBy('id', 'desc')
        .offset(mostRows)
        .limit(1)
        .executeTakeFirst();
      if (last !== undefined) await db.deleteFrom('ban_hits').where('id', '<=', last.id).execute();
    },
  };
}
