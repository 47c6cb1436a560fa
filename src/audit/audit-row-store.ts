import type { Selectable } from 'kysely';
import type { AuditRow, ChainHead } from '../core/audit-chain.ts';
import type { Database } from '../storage/database.ts';
import type { AuditLogTable } from '../storage/schema.ts';
import { type ChainState, readChainState } from './audit-chain-store.ts';

/** Where the rows and the head end, as of one moment. */
export interface ChainEnd extends ChainState {
  /** The highest sequence number that a row has; 0 without rows. */
  readonly lastRow: number;
  /** False where the head was removed. */
  readonly hasHead: boolean;
}

/** Rows by their place in the chain. */
export interface AuditRowStore {
  /** In batches, in their order: those behind `after`, up to `through`. */
  list(after: number, through: number): AsyncIterable<readonly AuditRow[]>;
  find(seq: number): Promise<AuditRow | undefined>;
  end(): Promise<ChainEnd>;
  /**
   * The first row from an instant on, and the last one from before an instant (ms since the epoch). In between no row is
   * left out, so at the edges of the two there may be some of another node's clock. 0: there is none.
   */
  firstSince(instant: number): Promise<number>;
  lastBefore(instant: number): Promise<number>;
}

/** A few milliseconds on SQLite, which answers within the same turn. */
const BATCH = 1000;

export function createAuditRowStore({ db }: Database): AuditRowStore {
  return {
    async *list(after, through) {
      for (let last = after; ; ) {
        const rows = await db
          .selectFrom('audit_log')
          .selectAll()
          .where('id', '>', last)
          .where('id', '<=', through)
          .orderBy('id')
          .limit(BATCH)
          .execute();
        if (rows.length === 0) return;
        yield rows.map(toAuditRow);
        last = rows.at(-1)?.id ?? through;
      }
    },

    async find(seq) {
      const row = await db.selectFrom('audit_log').selectAll().where('id', '=', seq).executeTakeFirst();
      return row === undefined ? undefined : toAuditRow(row);
    },

    async end() {
      const row = await db
        .selectFrom('audit_head')
        .select((eb) => [
          'seq',
          'hash',
          'pruned_seq',
          'pruned_hash',
          eb
            .selectFrom('audit_log')
            .select((rows) => rows.fn.max('id').as('last'))
            .as('last'),
        ])
        .where('id', '=', 1)
        .executeTakeFirst();
      if (row !== undefined) {
        return {
          head: { seq: row.seq, hash: row.hash },
          pruned: { seq: row.pruned_seq, hash: row.pruned_hash },
          lastRow: row.last ?? 0,
          hasHead: true,
        };
      }
      const { last } = await db
        .selectFrom('audit_log')
        .select((eb) => eb.fn.max('id').as('last'))
        .executeTakeFirstOrThrow();
      return { ...(await readChainState(db)), lastRow: last ?? 0, hasHead: false };
    },

    async firstSince(instant) {
      const row = await db
        .selectFrom('audit_log')
        .select((eb) => eb.fn.min('id').as('id'))
        .where('at', '>=', instant)
        .executeTakeFirst();
      return row?.id ?? 0;
    },

    async lastBefore(instant) {
      const row = await db
        .selectFrom('audit_log')
        .select((eb) => eb.fn.max('id').as('id'))
        .where('at', '<', instant)
        .executeTakeFirst();
      return row?.id ?? 0;
    },
  };
}

export function toAuditRow(row: Selectable<AuditLogTable>): AuditRow {
  return {
    seq: row.id,
    at: row.at,
    type: row.type,
    userId: row.user_id,
    actor: row.actor,
    address: row.address,
    requestId: row.request_id,
    detail: row.detail,
    hash: row.hash,
  };
}

/** A head as people keep it: `4711:9f86d0…`. */
export const headText = ({ seq, hash }: ChainHead): string => `${seq}:${hash}`;
