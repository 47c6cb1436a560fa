import type { TestProject } from 'vitest/node';
import { openDatabase } from '../../src/storage/database.ts';
import { createDatabase, startPostgres } from './postgres-server.ts';
import { startRedis } from './redis-server.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The run's shared redis-server: take a database of your own with `createRedisDatabase`. */
    redisUrl: string;
    /** The run's shared Postgres: take a database of your own, with tables, with `createPostgresDatabase`. */
    postgresUrl: string;
    /** A database there that has all tables, and that nothing connects to: it is copied. */
    migratedPostgresUrl: string;
  }
}

/** One redis-server and one Postgres for the whole run; each test file takes an empty database of them. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Without this a SIGTERM skips the handlers that remove the servers' directories.
  process.once('SIGTERM', () => process.exit(143));
  const redis = await startRedis();
  const postgres = await startPostgres().catch(async (error: unknown) => {
    await redis.stop();
    throw error;
  });
  const migratedUrl = await createDatabase(postgres);
  await (await openDatabase({ dialect: 'postgres', url: migratedUrl })).close();
  project.provide('redisUrl', redis.url);
  project.provide('postgresUrl', postgres.url);
  project.provide('migratedPostgresUrl', migratedUrl);
  return async () => {
    await Promise.all([redis.stop(), postgres.stop()]);
  };
}
