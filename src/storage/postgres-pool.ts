import type { PostgresPool, PostgresPoolClient } from 'kysely';
import type pg from 'pg';

/**
 * The pool as Kysely sees it, but a connection on which a query took too long is thrown away. pg only stops to wait: the
 * server may still carry the query out. A `begin` of that kind would leave a transaction open under each later user of
 * the connection, and what they store would never be committed; and a connection that a firewall has forgotten
 * would be given out again for a quarter of an hour. Where one was forgotten the others were as well, so all that are as
 * old go with it: each of them would cost a request the whole time-out.
 */
export function discardStuckConnections(pool: pg.Pool): PostgresPool {
  const bornIn = new WeakMap<pg.PoolClient, number>();
  let generation = 0;

  pool.on('connect', (client) => {
    bornIn.set(client, generation);
    // The pool listens to idle connections only. One that breaks while it is in use also fails its query, and that is
    // enough; but an error event without a listener ends the process.
    client.on('error', () => undefined);
  });

  const isTrusted = (client: pg.PoolClient): boolean => bornIn.get(client) === generation;

  async function connect(): Promise<PostgresPoolClient> {
    const client = await pool.connect();
    if (isTrusted(client)) return watch(client);
    client.release(true);
    return connect();
  }

  function watch(client: pg.PoolClient): PostgresPoolClient {
    async function query(sql: string, parameters: readonly unknown[]): Promise<unknown> {
      try {
        return await client.query(sql, [...parameters]);
      } catch (error) {
        if (isStuck(error) && isTrusted(client)) generation += 1;
        throw error;
      }
    }

    return {
      // Cursors are not used here.
      query: query as PostgresPoolClient['query'],
      release: (destroy) => client.release(destroy === true || !isTrusted(client)),
    };
  }

  return { options: pool.options, connect, end: () => pool.end() };
}

const isStuck = (error: unknown): boolean => error instanceof Error && error.message === 'Query read timeout';
