import SqliteDatabase from 'better-sqlite3';
import {
  type Dialect,
  type SqliteDatabase as KyselyDatabase,
  SqliteAdapter,
  SqliteDialect,
  type SqliteStatement,
} from 'kysely';
import { LRUCache } from 'lru-cache';

/** Kysely's dialect on an open file. `busyTimeoutMs`: how long a writer waits for another process that holds the file. */
export function createSqliteDialect(sqlite: SqliteDatabase.Database, busyTimeoutMs: number): Dialect {
  const failFast = createFailFast(sqlite, busyTimeoutMs);
  const dialect = new SqliteDialect({ database: withPreparedStatements(sqlite, failFast) });
  return {
    createAdapter: () => new TransactionalSqliteAdapter(),
    createDriver: () => dialect.createDriver(),
    createIntrospector: (db) => dialect.createIntrospector(db),
    createQueryCompiler: () => dialect.createQueryCompiler(),
  };
}

const MAXIMUM_KEPT = 200;
/** A statement for many rows at once seldom comes back with as many. */
const LONGEST_KEPT = 4000;

/** Do their work when they are prepared: one that was kept would do nothing. */
const AT_ONCE = /^pragma (?:busy_timeout|synchronous)/;

const NOTHING = 'select 1 where 0';

/**
 * Kysely prepares a statement each time it runs; for a small read that is half of the time. Here each is prepared once.
 * Where the disk is full or broken SQLite rolls back by itself, and calls Kysely's own rollback an error, which would take
 * the place of the one that says what happened (sqlite.org/lang_transaction.html, section 2.4): there is nothing to do then.
 */
function withPreparedStatements(
  sqlite: SqliteDatabase.Database,
  failFast: (statement: SqliteDatabase.Statement) => SqliteStatement,
): KyselyDatabase {
  const statements = new LRUCache<string, SqliteStatement>({ max: MAXIMUM_KEPT });
  return {
    close: () => void sqlite.close(),
    prepare(text) {
      const sql = text === 'rollback' && !sqlite.inTransaction ? NOTHING : text;
      const known = statements.get(sql);
      if (known !== undefined) return known;
      const statement = failFast(sqlite.prepare(sql));
      if (sql.length <= LONGEST_KEPT && !AT_ONCE.test(sql)) statements.set(sql, statement);
      return statement;
    },
  };
}

/**
 * A writer waits for another process that holds the file, and the event loop waits with it. That must not add up, over the
 * statements of a request and over requests: once a statement has waited in vain, the next ones fail at once, until one has
 * written again. `timeoutMs`: how long the first one waits.
 */
function createFailFast(
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

/** SQLite takes changes of tables back like all others; Kysely then runs migrations in one transaction, as on Postgres. */
class TransactionalSqliteAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}
