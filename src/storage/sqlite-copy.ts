import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import SqliteDatabase from 'better-sqlite3';
import { sql } from 'kysely';
import type { Database } from './database.ts';

/** In pages of the database, usually of 4096 bytes. */
export interface CopyProgress {
  readonly done: number;
  readonly total: number;
}

const PAGES_AT_ONCE = 2_000;

/**
 * Copies a SQLite database as it is at this moment, also while servers write to it: they neither wait nor show up in the
 * copy. `target` is made, for its owner alone; rejects with EEXIST where something is there.
 */
export async function copySqlite(
  source: string,
  target: string,
  onProgress: (progress: CopyProgress) => void,
): Promise<void> {
  await (await open(target, 'wx', 0o600)).close();
  const sqlite = new SqliteDatabase(source, { readonly: true, fileMustExist: true });
  try {
    // A read transaction holds the moment. Without it a copy begins anew with each write, and may never end.
    sqlite.exec('begin');
    sqlite.prepare('select count(*) from sqlite_schema').get();
    await sqlite.backup(target, {
      progress({ totalPages, remainingPages }) {
        onProgress({ done: totalPages - remainingPages, total: totalPages });
        return PAGES_AT_ONCE;
      },
    });
  } finally {
    sqlite.close();
  }
}

/**
 * Makes one file of it, in which nothing can be found any more that was deleted. For a database that no other process uses.
 * Rejects when it is damaged.
 */
export async function compactSqlite({ db }: Pick<Database, 'db'>): Promise<void> {
  await sql`pragma journal_mode = delete`.execute(db);
  await sql`vacuum`.execute(db);
  const problem = await findDamage({ db });
  if (problem !== undefined) throw new Error(`The copy is damaged: ${problem}`);
}

/** The first thing that SQLite finds wrong with a database; undefined where it is sound. */
export async function findDamage({ db }: Pick<Database, 'db'>): Promise<string | undefined> {
  const { rows } = await sql<{ integrity_check: string }>`pragma integrity_check(1)`.execute(db);
  const verdict = rows[0]?.integrity_check ?? 'no answer';
  if (verdict !== 'ok') return verdict;
  const { rows: strays } = await sql<{ table: string }>`pragma foreign_key_check`.execute(db);
  return strays[0] === undefined ? undefined : `rows of ${strays[0].table} belong to nothing`;
}

/** Gives a finished file its name, on the disk for good. Rejects with EEXIST where something has that name by now. */
export async function publishFile(part: string, target: string): Promise<void> {
  await syncPath(part);
  try {
    await link(part, target);
    await rm(part);
  } catch (error) {
    if (!lacksLinks(error)) throw error;
    await rename(part, target);
  }
  await syncPath(dirname(target));
}

/** Writes what the system still holds of a file or folder. */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export interface FileFacts {
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

export async function describeFile(path: string): Promise<FileFacts> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return { bytes: (await stat(path)).size, sha256: hash.digest('hex') };
}

/** Of the files that may be beside a database file. */
export const SQLITE_ENDINGS = ['', '-wal', '-shm', '-journal', '-migration'] as const;

/** A database file and all that SQLite, or Curfew's migration, may have put beside it. */
export async function removeSqlite(file: string): Promise<void> {
  for (const ending of SQLITE_ENDINGS) await rm(`${file}${ending}`, { force: true });
}

function lacksLinks(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'EPERM' || code === 'ENOTSUP' || code === 'EOPNOTSUPP' || code === 'ENOSYS';
}
