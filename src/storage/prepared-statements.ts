import type SqliteDatabase from 'better-sqlite3';
import type { SqliteDatabase as KyselyDatabase, SqliteStatement } from 'kysely';
import { LRUCache } from 'lru-cache';

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
export function withPreparedStatements(
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
