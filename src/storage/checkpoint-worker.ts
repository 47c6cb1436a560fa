import { parentPort, workerData } from 'node:worker_threads';
import SqliteDatabase from 'better-sqlite3';

/** Run by sqlite-checkpoints.ts in a thread of its own: copies the log of the file into it whenever it is told to. */
const sqlite = new SqliteDatabase(String(workerData), { fileMustExist: true });
parentPort?.on('message', () => {
  try {
    sqlite.pragma('wal_checkpoint(PASSIVE)');
  } catch (error) {
    // Another process is copying, or the disk is full: the log is kept, and the next message comes.
    if (!(error instanceof SqliteDatabase.SqliteError)) throw error;
  }
  parentPort?.postMessage('done');
});
