import { type Kysely, sql, type Transaction } from 'kysely';
import type { Database } from './database.ts';
import type { Schema } from './schema.ts';

/**
 * A transaction for what can as well be written later, and what a power cut may take along: it fails at once where another
 * process holds the SQLite file, and leaves bringing its pages to the disk to the next commit of others. To wait for either
 * would keep the event loop waiting, and so all requests. On Postgres no one waits.
 */
export async function writeWithoutWaiting<T>(
  { db, dialect }: Pick<Database, 'db' | 'dialect'>,
  work: (trx: Transaction<Schema>) => Promise<T>,
): Promise<T> {
  if (dialect !== 'sqlite') return db.transaction().execute(work);
  return db.connection().execute(async (connection) => {
    const { rows } = await sql<{ timeout: number }>`pragma busy_timeout`.execute(connection);
    const timeoutMs = rows[0]?.timeout ?? 0;
    await setBusyTimeout(connection, 0);
    await sql`pragma synchronous = normal`.execute(connection);
    try {
      return await connection.transaction().execute(work);
    } finally {
      // All requests share the connection, again from here on.
      await sql`pragma synchronous = full`.execute(connection);
      // While another process holds the file nothing waits (sqlite-dialect.ts): there is nothing to put back.
      if (timeoutMs > 0) await setBusyTimeout(connection, timeoutMs);
    }
  });
}

async function setBusyTimeout(connection: Kysely<Schema>, timeoutMs: number): Promise<void> {
  await sql`pragma busy_timeout = ${sql.lit(timeoutMs)}`.execute(connection);
}
