import SqliteDatabase from 'better-sqlite3';
import pg from 'pg';

/** SQLite: another process holds the file, the disk is full or broken. */
const SQLITE_CODES = /^SQLITE_(BUSY|LOCKED|FULL|IOERR|CANTOPEN|READONLY|CORRUPT|NOTADB)/;

/**
 * Postgres (appendix A of its manual): connection exceptions, no more resources, an operator or a time-out intervened,
 * read-only, a transaction that was idle for too long.
 */
const POSTGRES_CLASSES = /^(08|53|57|58|25006|25P03)/;

/** Postgres takes no NUL in a text (character_not_in_repertoire); SQLite does. */
const NO_TEXT = '22021';

/** Messages of pg and node, without a code, when a server hangs or a pool is exhausted. */
const POOL_MESSAGES =
  /timeout exceeded when trying to connect|Query read timeout|Connection terminated|is not queryable|Cannot use a pool/i;

const NETWORK_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
]);

/** Whether an error says that the database cannot answer now, rather than that a statement is wrong. */
export function isDatabaseFailure(error: unknown): boolean {
  if (error instanceof SqliteDatabase.SqliteError) return SQLITE_CODES.test(error.code);
  if (error instanceof pg.DatabaseError) return POSTGRES_CLASSES.test(error.code ?? '');
  if (!(error instanceof Error)) return false;
  if ('code' in error && typeof error.code === 'string') return NETWORK_CODES.has(error.code);
  return POOL_MESSAGES.test(error.message);
}

/** Whether an error says that a text of a request cannot be one: no page has such a text in its forms or links. */
export function isUnstorableText(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === NO_TEXT;
}
