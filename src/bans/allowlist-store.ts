import type { Database } from '../storage/database.ts';
import { type BanChangeResult, changeBans } from './ban-change-store.ts';

/** An address or block that is never banned automatically. */
export interface AllowlistEntry {
  /** An address or a CIDR. */
  readonly block: string;
  readonly note: string;
  readonly addedBy: string;
  /** Milliseconds since the epoch. */
  readonly addedAt: number;
}

export interface AllowlistStore {
  /** In the order in which they were added. */
  list(): Promise<readonly AllowlistEntry[]>;
  /** Undefined when the block is there already, or `most` are. */
  add(address: AllowlistEntry, most: number): Promise<BanChangeResult<AllowlistEntry> | undefined>;
  remove(block: string): Promise<BanChangeResult<AllowlistEntry> | undefined>;
}

export function createAllowlistStore(database: Database): AllowlistStore {
  return {
    async list() {
      const rows = await database.db
        .selectFrom('trusted_addresses')
        .selectAll()
        .orderBy('added_at')
        .orderBy('block')
        .execute();
      return rows.map(toEntry);
    },

    add: (address, most) =>
      changeBans(database, async (trx) => {
        const known = await trx.selectFrom('trusted_addresses').select('block').execute();
        if (known.length >= most || known.some(({ block }) => block === address.block)) return undefined;
        const { block, note, addedBy, addedAt } = address;
        await trx
          .insertInto('trusted_addresses')
          .values({ block, note, added_by: addedBy, added_at: addedAt })
          .execute();
        return address;
      }),

    remove: (block) =>
      changeBans(database, async (trx) => {
        const row = await trx
          .deleteFrom('trusted_addresses')
          .where('block', '=', block)
          .returningAll()
          .executeTakeFirst();
        return row === undefined ? undefined : toEntry(row);
      }),
  };
}

function toEntry(row: { block: string; note: string; added_by: string; added_at: number }): AllowlistEntry {
  return { block: row.block, note: row.note, addedBy: row.added_by, addedAt: row.added_at };
}
