import { Worker } from 'node:worker_threads';
import type SqliteDatabase from 'better-sqlite3';

const LOOK_EVERY_MS = 250;
/** A row is on one or two pages, and each of its indexes on another one: about SQLite's own thousand pages. */
const ROWS_BETWEEN = 300;
/** In pages of 4 KiB, 64 MB together. From here on a commit copies by itself what the thread has left. */
const LONGEST_LOG = 16_384;
const SQLITE_DEFAULT = 1000;

/**
 * Has a thread of its own copy SQLite's write-ahead log into the file. By default the commit that makes the log a thousand
 * pages long does it, and waits for the disk twice: all requests wait with it (sqlite.org/wal.html, section 2.3). The thread
 * begins with the first such moment; where it ends by itself SQLite copies as ever. Returns what ends it.
 */
export function checkpointInThread(sqlite: SqliteDatabase.Database, file: string): () => Promise<void> {
  const totalChanges = sqlite.prepare<[], number>('select total_changes()').pluck();
  let copied = 0;
  let thread: Worker | undefined;
  let isCopying = false;

  function look(): void {
    const changes = totalChanges.get() ?? 0;
    if (isCopying || changes - copied < ROWS_BETWEEN) return;
    copied = changes;
    isCopying = true;
    thread ??= start();
    thread.postMessage('copy');
  }

  function start(): Worker {
    const worker = new Worker(new URL('./checkpoint-worker.ts', import.meta.url), { workerData: file });
    worker.unref();
    worker.on('message', () => {
      isCopying = false;
    });
    worker.on('error', () => {
      clearInterval(timer);
      if (sqlite.open) copyOnCommitFrom(SQLITE_DEFAULT);
    });
    return worker;
  }

  function copyOnCommitFrom(pages: number): void {
    sqlite.pragma(`wal_autocheckpoint = ${pages}`);
  }

  copyOnCommitFrom(LONGEST_LOG);
  const timer = setInterval(look, LOOK_EVERY_MS).unref();
  return async () => {
    clearInterval(timer);
    await thread?.terminate();
  };
}
