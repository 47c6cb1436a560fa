import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { sql } from 'kysely';
import type { TestProject } from 'vitest/node';
import { openDatabase } from '../../src/storage/database.ts';
import { type BundledServer, bundleServer } from './bundled-server.ts';
import { MIGRATED_FILE } from './memory-location.ts';
import { createDatabase, startPostgres } from './postgres-server.ts';
import { startRedis } from './redis-server.ts';
import { createScratchDirectory } from './scratch-directory.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The run's shared redis-server: take a database of your own with `createRedisDatabase`. */
    redisUrl: string;
    /** The run's shared Postgres: take a database of your own, with tables, with `createPostgresDatabase`. */
    postgresUrl: string;
    /** A database there that has all tables, and that nothing connects to: it is copied. */
    migratedPostgresUrl: string;
    /** The server and the command line for tests that start many processes of them. */
    bundledServer: BundledServer;
  }
}

const ROOM_IN_MEMORY = 4 * 1024 ** 3;

/** One redis-server and one Postgres for the whole run; each test file takes an empty database of them. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Without this a SIGTERM skips the handlers that remove the servers' directories.
  process.once('SIGTERM', () => process.exit(143));
  const redis = await startRedis();
  const postgres = await startPostgres().catch(async (error: unknown) => {
    await redis.stop();
    throw error;
  });
  // Behind Postgres, whose thousands of databases are gigabytes and wait for no disk (fsync=off).
  const forgetFiles = keepFilesInMemory();
  await compileServer();
  const bundle = createScratchDirectory('bundle');
  project.provide('bundledServer', await bundleServer(bundle.path));
  const migratedUrl = await createDatabase(postgres);
  await (await openDatabase({ dialect: 'postgres', url: migratedUrl })).close();
  const directory = createScratchDirectory('migrated');
  const migratedFile = join(directory.path, 'migrated.db');
  await migrateSqlite(migratedFile);
  process.env[MIGRATED_FILE] = migratedFile;
  project.provide('redisUrl', redis.url);
  project.provide('postgresUrl', postgres.url);
  project.provide('migratedPostgresUrl', migratedUrl);
  return async () => {
    directory.remove();
    bundle.remove();
    await Promise.all([redis.stop(), postgres.stop()]);
    forgetFiles();
  };
}

/**
 * SQLite waits for the disk at each commit. Where the system has a file system in memory, with room, files of tests lie there;
 * the result removes what the processes of the tests leave behind.
 */
function keepFilesInMemory(): () => void {
  if (!existsSync('/dev/shm') || !existsSync('/proc/mounts')) return () => undefined;
  const { bavail, bsize } = statfsSync('/dev/shm');
  const mount = readFileSync('/proc/mounts', 'utf8').match(/^\S+ \/dev\/shm tmpfs (\S+)/m)?.[1] ?? 'noexec';
  // Copies of the project have programs in them.
  if (bavail * bsize < ROOM_IN_MEMORY || mount.includes('noexec')) return () => undefined;
  const folder = mkdtempSync('/dev/shm/curfew-tests-');
  // Servers of tests run as users of their own.
  chmodSync(folder, 0o755);
  process.env['TMPDIR'] = folder;
  return () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** Without a write-ahead log at its end, which has no place in memory. */
async function migrateSqlite(file: string): Promise<void> {
  const { db, close } = await openDatabase({ dialect: 'sqlite', file });
  await sql`pragma journal_mode = delete`.execute(db);
  await close();
}

/** Loads the server once in a process that ends by itself, which keeps what it compiled: those that tests kill do not. */
async function compileServer(): Promise<void> {
  const load = `import { useCompileCache } from './src/boot/compile-cache.ts';
    useCompileCache();
    await import('./src/boot/serve.ts');`;
  const project = new URL('../..', import.meta.url);
  await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', load], { cwd: project });
}
