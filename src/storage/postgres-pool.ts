import type { PostgresPool, PostgresPoolClient } from 'kysely';
import type pg from 'pg';

/**
 * The pool as Kysely sees it, but a connection on which a query took too long is thrown away. pg only stops to wait: the
 * server may still carry the query out. A `begin` of that kind would leave a transaction open under everybody who gets
 * the connection next, and what they store would never be committed; and a connection that a firewall has forgotten
 * would be given out again for a quarter of an hour.
 */
export function discardStuckConnections(pool: pg.Pool): PostgresPool {
  // The pool listens to idle connections only. One that breaks while it is in use also fails its query, and that is
  // enough; but an error event that nobody listens to ends the process.
  pool.on('connect', (client) => void client.on('error', () => undefined));
  return {
    options: pool.options,
    connect: async () => watch(await pool.connect()),
    end: () => pool.end(),
  };
}

function watch(client: pg.PoolClient): PostgresPoolClient {
  let stuck = false;

  async function query(sql: string, parameters: readonly unknown[]): Promise<unknown> {
    try {
      return await client.query(sql, [...parameters]);
    } catch (error) {
      stuck ||= error instanceof Error && error.message === 'Query read timeout';
      throw error;
    }
  }

  return {
    // Cursors are not used here.
    query: query as PostgresPoolClient['query'],
    release: (destroy) => client.release(destroy === true || stuck),
  };
}
