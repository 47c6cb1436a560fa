import { rmSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sealCopy } from './backup-seal-store.ts';
import { connectDatabase } from './database.ts';
import {
  type CopyProgress,
  compactSqlite,
  copySqlite,
  describeFile,
  type FileFacts,
  publishFile,
  removeSqlite,
  SQLITE_ENDINGS,
} from './sqlite-copy.ts';

export interface SqliteBackup {
  readonly source: string;
  /** Must not exist: rejects with EEXIST. */
  readonly target: string;
  readonly now: number;
  readonly onProgress: (progress: CopyProgress) => void;
}

/**
 * A copy of a SQLite database as it is now, beside running servers: sound, sealed, in one file for its owner alone. What
 * is not finished never has the target's name.
 */
export async function backUpSqlite({ source, target, now, onProgress }: SqliteBackup): Promise<FileFacts> {
  const part = `${target}.part-${process.pid}`;
  await removeAbandonedParts(dirname(target));
  const stopCleaning = removeWhenKilled(part);
  try {
    await copySqlite(source, part, onProgress);
    const copy = connectDatabase({ dialect: 'sqlite', file: part });
    try {
      await sealCopy(copy, now);
      await compactSqlite(copy);
    } finally {
      await copy.close();
    }
    const facts = await describeFile(part);
    await publishFile(part, target);
    return facts;
  } finally {
    stopCleaning();
    await removeSqlite(part);
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** An unfinished copy has live sessions in it. */
function removeWhenKilled(part: string): () => void {
  const end = (signal: NodeJS.Signals): void => {
    for (const ending of SQLITE_ENDINGS) rmSync(`${part}${ending}`, { force: true });
    stop();
    process.kill(process.pid, signal);
  };
  const stop = (): void => {
    for (const signal of SIGNALS) process.off(signal, end);
  };
  for (const signal of SIGNALS) process.on(signal, end);
  return stop;
}

const PART = /\.part-(\d+)(?:-wal|-shm|-journal|-migration)?$/;

/** Of backups that were killed outright: their process is gone. */
async function removeAbandonedParts(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const [, pid] = PART.exec(name) ?? [];
    if (pid !== undefined && !isAlive(Number(pid))) await rm(join(folder, name), { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
