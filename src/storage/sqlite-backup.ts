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
    await removeSqlite(part);
  }
}
