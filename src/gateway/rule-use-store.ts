import { sql } from 'kysely';
import type { Database } from '../storage/database.ts';

/** When a rule last let a request through. */
export interface RuleUse {
  readonly rule: string;
  /** In ms since the epoch, exact to some seconds. */
  readonly at: number;
  /** Undefined under a public rule. */
  readonly username: string | undefined;
}

export interface RuleUseStore {
  list(): Promise<readonly RuleUse[]>;
  /** A later use that another node has stored stays. */
  save(uses: readonly RuleUse[]): Promise<void>;
}

export function createRuleUseStore({ db }: Pick<Database, 'db'>): RuleUseStore {
  return {
    async list() {
      const rows = await db.selectFrom('gateway_uses').selectAll().execute();
      return rows.map(({ rule, used_at, username }) => ({
        rule,
        at: used_at,
        username: username ?? undefined,
      }));
    },
    async save(uses) {
      if (uses.length === 0) return;
      await db
        .insertInto('gateway_uses')
        .values(uses.map(({ rule, at, username = null }) => ({ rule, used_at: at, username })))
        .onConflict((conflict) =>
          conflict
            .column('rule')
            .doUpdateSet({ used_at: sql`excluded.used_at`, username: sql`excluded.username` })
            .whereRef('gateway_uses.used_at', '<', sql.ref<number>('excluded.used_at')),
        )
        .execute();
    },
  };
}
