import { existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { SECOND_MS } from '../core/duration.ts';
import { lockForMigration } from './database.ts';
import { syncPath } from './sqlite-copy.ts';

/** State of the path where the database belongs. */
export type PlaceState = 'free' | 'in_use' | 'unreadable' | 'empty';

/**
 * Whether any process has the database open: in WAL mode every connection holds a shared lock on the file for as long as
 * it is there, and leaving that mode wants the file alone. `unreadable`: it is no sound database, so there is no telling.
 */
export function inspectPlace(file: string): PlaceState {
  if (!existsSync(file)) return 'empty';
  let sqlite: SqliteDatabase.Database | undefined;
  try {
    sqlite = new SqliteDatabase(file, { timeout: SECOND_MS, fileMustExist: true });
    sqlite.pragma('journal_mode = delete');
    sqlite.exec('begin exclusive; commit');
    return 'free';
  } catch (error) {
    if (!(error instanceof SqliteDatabase.SqliteError)) throw error;
    return error.code.startsWith('SQLITE_BUSY') ? 'in_use' : 'unreadable';
  } finally {
    sqlite?.close();
  }
}

/** Keeps servers and commands that want to start waiting, up to half a minute; the function that comes back lets them. */
export function holdPlace(file: string): Promise<() => void> {
  return lockForMigration(file);
}

/**
 * Puts a finished database in the place of another, whose files get the name `aside` and stay. Throws with the old one
 * still, or again, in place.
 */
export async function replaceSqlite(file: string, prepared: string, aside: string): Promise<void> {
  await syncPath(prepared);
  const moved: string[] = [];
  try {
    for (const ending of ['-wal', '-shm', '-journal', '']) {
      if (!existsSync(`${file}${ending}`)) continue;
      await rename(`${file}${ending}`, `${aside}${ending}`);
      moved.push(ending);
    }
    await rename(prepared, file);
  } catch (error) {
    for (const ending of moved.reverse()) await rename(`${aside}${ending}`, `${file}${ending}`);
    throw error;
  }
  await syncPath(dirname(file));
}
