import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { sql } from 'kysely';
import type { Database } from './database.ts';
import { inspectMigrations } from './migrate.ts';
import type { MigrationState } from './migration-state.ts';

/** A database's state, for an operator; looking changes nothing. Each rejects when it does not answer. */
export interface DatabaseInspection {
  migrations(): Promise<MigrationState>;
  /** Rejects with the database's own words when nothing can be written. Needs the tables. */
  tryWriting(): Promise<void>;
  /** The server's clock in ms since the epoch; undefined where the database has no clock of its own. */
  clock(): Promise<number | undefined>;
}

export function createDatabaseInspection({ db, dialect }: Database): DatabaseInspection {
  return {
    migrations: () => inspectMigrations(db),

    // A statement that touches no row still takes the write lock and needs the right to write.
    async tryWriting() {
      await db.updateTable('installation').set({ created_at: 0 }).where('id', '=', -1).execute();
    },

    async clock() {
      if (dialect === 'sqlite') return undefined;
      const { rows } = await sql<{
        now: number;
      }>`select (extract(epoch from clock_timestamp()) * 1000)::bigint as now`.execute(db);
      return rows[0]?.now;
    },
  };
}

/** The bytes that this user may still write where a SQLite file lies. */
export async function freeBytesBeside(file: string): Promise<number> {
  const { bavail, bsize } = await statfs(dirname(file));
  return bavail * bsize;
}
