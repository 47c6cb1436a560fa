import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { toIstIso } from '../core/ist.ts';
import { sealCopy } from './backup-seal-store.ts';
import type { Database } from './database.ts';
import { compactSqlite, copySqlite, publishFile, removeSqlite } from './sqlite-copy.ts';

export interface PreMigrationCopy {
  /** The database. Its caller holds the lock of migrations. */
  readonly file: string;
  readonly now: number;
  readonly connect: (file: string) => Database;
}

const ENDING = '.before-upgrade-';

/**
 * Copies a SQLite database beside it before its tables change: `curfew.db.before-upgrade-20261129-101500`, for its owner
 * alone. Of these copies the last one is kept. Like a backup it holds no session and no broker token. Rejects, with
 * nothing of the database changed, where it cannot be written.
 */
export async function copyBeforeMigration({ file, now, connect }: PreMigrationCopy): Promise<string> {
  const target = `${file}${ENDING}${toIstIso(now).slice(0, 19).replace(/[-:]/g, '').replace('T', '-')}`;
  const part = `${target}.part`;
  await removeSqlite(part);
  try {
    await copySqlite(file, part, () => undefined);
    await sealFile(part, now, connect);
    await rm(target, { force: true });
    await publishFile(part, target);
  } catch (error) {
    throw new Error(
      `${file} is copied before its tables are changed, and that failed. Make room beside it, or let this user write there. Nothing was changed.`,
      { cause: error },
    );
  } finally {
    await removeSqlite(part);
  }
  await removeEarlier(file, target);
  return target;
}

async function sealFile(part: string, now: number, connect: PreMigrationCopy['connect']): Promise<void> {
  const copy = connect(part);
  try {
    await sealCopy(copy, now);
    await compactSqlite(copy);
  } finally {
    await copy.close();
  }
}

async function removeEarlier(file: string, kept: string): Promise<void> {
  const folder = dirname(file);
  const start = `${basename(file)}${ENDING}`;
  for (const name of await readdir(folder))
    if (name.startsWith(start) && name !== basename(kept)) await rm(join(folder, name), { force: true });
}
