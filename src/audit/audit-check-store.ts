import type { ChainHead } from '../core/audit-chain.ts';
import type { Database } from '../storage/database.ts';

/** How far the server has verified the chain by itself, and what it found the last time. */
export interface AuditCheck {
  readonly verified: ChainHead;
  /** Milliseconds since the epoch; 0 before the first check. */
  readonly checkedAt: number;
  /** In words; undefined where all was well. */
  readonly problem: string | undefined;
}

export interface AuditCheckStore {
  read(): Promise<AuditCheck>;
  /** False where another node has written down a check since `before`. */
  replace(before: AuditCheck, check: AuditCheck): Promise<boolean>;
}

export function createAuditCheckStore({ db }: Database): AuditCheckStore {
  return {
    async read() {
      const row = await db
        .selectFrom('audit_checks')
        .selectAll()
        .where('id', '=', 1)
        .executeTakeFirstOrThrow();
      return {
        verified: { seq: row.seq, hash: row.hash },
        checkedAt: row.checked_at,
        problem: row.problem ?? undefined,
      };
    },

    async replace(before, { verified, checkedAt, problem }) {
      const { numUpdatedRows } = await db
        .updateTable('audit_checks')
        .set({ seq: verified.seq, hash: verified.hash, checked_at: checkedAt, problem: problem ?? null })
        .where('id', '=', 1)
        .where('checked_at', '=', before.checkedAt)
        .executeTakeFirst();
      return numUpdatedRows === 1n;
    },
  };
}
