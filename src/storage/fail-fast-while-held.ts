import SqliteDatabase from 'better-sqlite3';
import type { SqliteStatement } from 'kysely';

/**
 * A writer waits for another process that holds the file, and the event loop waits with it. That must not add up, over the
 * statements of a request and over requests: once a statement has waited in vain, the next ones fail at once, until one has
 * written again. `timeoutMs`: how long the first one waits.
 */
export function createFailFast(
  sqlite: SqliteDatabase.Database,
  timeoutMs: number,
): (statement: SqliteDatabase.Statement) => SqliteStatement {
  let isHeld = false;

  function run<T>(statement: SqliteDatabase.Statement, execute: () => T): T {
    try {
      const result = execute();
      // A read says nothing: it goes on while the file is held.
      if (isHeld && !statement.readonly) setHeld(false);
      return result;
    } catch (error) {
      if (error instanceof SqliteDatabase.SqliteError && error.code === 'SQLITE_BUSY') setHeld(true);
      throw error;
    }
  }

  function setHeld(held: boolean): void {
    isHeld = held;
    sqlite.pragma(`busy_timeout = ${held ? 0 : timeoutMs}`);
  }

  return (statement) => ({
    reader: statement.reader,
    all: (parameters) => run(statement, () => statement.all(parameters)),
    run: (parameters) => run(statement, () => statement.run(parameters)),
    iterate: (parameters) => run(statement, () => statement.iterate(parameters)),
  });
}
