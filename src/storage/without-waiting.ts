import { sql, type Transaction } from 'kysely';
import type { DatabaseDialect } from './database.ts';
import type { Schema } from './schema.ts';

/**
 * Does work within a transaction that fails at once where another process holds the SQLite file: to wait for it would keep
 * the event loop waiting, and so all requests. For what can as well be written later. On Postgres no one waits.
 */
export async function withoutWaiting<T>(
  trx: Transaction<Schema>,
  dialect: DatabaseDialect,
  work: () => Promise<T>,
): Promise<T> {
  if (dialect !== 'sqlite') return work();
  const { rows } = await sql<{ timeout: number }>`pragma busy_timeout`.execute(trx);
  // While another process holds the file nothing waits (fail-fast-while-held.ts): there is nothing to put back.
  if (rows[0]?.timeout === 0) return work();
  await setBusyTimeout(trx, 0);
  try {
    return await work();
  } finally {
    // All requests share the connection, again from the end of the transaction on.
    await setBusyTimeout(trx, rows[0]?.timeout ?? 0);
  }
}

async function setBusyTimeout(trx: Transaction<Schema>, timeoutMs: number): Promise<void> {
  await sql`pragma busy_timeout = ${sql.lit(timeoutMs)}`.execute(trx);
}
