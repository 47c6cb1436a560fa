import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { type Dialect, Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import { systemClock } from '../core/clock.ts';
import { SECOND_MS } from '../core/duration.ts';
import { type Acting, createActing } from './acting.ts';
import { createGuardedDialect } from './guarded-dialect.ts';
import { inspectMigrations, migrateToLatest } from './migrate.ts';
import { discardStuckConnections } from './postgres-pool.ts';
import { copyBeforeMigration } from './pre-migration-copy.ts';
import type { Schema } from './schema.ts';
import { checkpointInThread } from './sqlite-checkpoints.ts';
import { createSqliteDialect } from './sqlite-dialect.ts';

export type DatabaseDialect = 'sqlite' | 'postgres';

/** Where the data lives: a SQLite file (or `:memory:`, which may begin as the copy of another), or a Postgres server. */
export type DatabaseLocation =
  | { readonly dialect: 'sqlite'; readonly file: string; readonly image?: Buffer }
  | { readonly dialect: 'postgres'; readonly url: string };

type SqliteLocation = Extract<DatabaseLocation, { dialect: 'sqlite' }>;

export interface Database {
  readonly dialect: DatabaseDialect;
  /** Its writes are conditional on the actor on whose behalf they are made. */
  readonly db: Kysely<Schema>;
  readonly acting: Acting;
  /** Throws when the database does not answer. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** How long a writer waits for another process that holds the file. The event loop waits with it, so: short. */
const SQLITE_BUSY_TIMEOUT_MS = SECOND_MS;
const POSTGRES_TIMEOUT_MS = 1.5 * SECOND_MS;
/**
 * Of Postgres's own time-outs. A statement that waits for a lock is ended there just before pg stops to wait: else its
 * backend would wait on behind the closed connection, one more with each attempt, until Postgres takes no more. A transaction
 * whose node was cut off or stopped gives its locks back after so long; by TCP alone that takes two hours.
 */
const STATEMENT_SHARE = 0.9;
const IDLE_TRANSACTION_MS = 5 * SECOND_MS;
const MIGRATION_WAIT_MS = 30 * SECOND_MS;

export interface OpenOptions {
  /** Keeps a copy of a SQLite file beside it before its tables are changed; on by default. */
  readonly copyFirst?: boolean;
}

/**
 * Opens the database and brings its tables up to date. Safe when several processes start at once. Throws a
 * MigrationStateError where it is of a version that this one does not open.
 */
export async function openDatabase(
  location: DatabaseLocation,
  { copyFirst = true }: OpenOptions = {},
): Promise<Database> {
  if (location.dialect === 'postgres') return openPostgres(location.url);
  return openSqlite(location, copyFirst).catch((error: unknown) => {
    // SQLite's own errors do not say which file.
    throw error instanceof SqliteDatabase.SqliteError ? Object.assign(error, { path: location.file }) : error;
  });
}

/**
 * Opens the database as it is, for looking at it: creates nothing and brings no table up to date. Throws when there is
 * no file; a Postgres server is first asked by the first query.
 */
export function connectDatabase(location: DatabaseLocation): Database {
  return location.dialect === 'sqlite'
    ? connectSqlite(location.file, { fileMustExist: true })
    : connectPostgres(location.url);
}

async function openSqlite({ file, image }: SqliteLocation, copyFirst: boolean): Promise<Database> {
  if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  // Made for its owner alone wherever the folder is; SQLite gives the files beside it the same mode.
  if (file !== ':memory:') closeSync(openSync(file, 'a', 0o600));
  const release = file === ':memory:' ? () => undefined : await lockForMigration(file);
  try {
    const database = connectSqlite(file, { image });
    try {
      await sql`pragma journal_mode = WAL`.execute(database.db);
      const { kind } = await inspectMigrations(database.db);
      if (copyFirst && (kind === 'former' || kind === 'behind'))
        await copyBeforeMigration({ file, now: systemClock.now(), connect: connectSqlite });
      await migrateToLatest(database.db, 'sqlite');
      return database;
    } catch (error) {
      await database.close();
      throw error;
    }
  } finally {
    release();
  }
}

function connectSqlite(
  file: string,
  {
    image,
    fileMustExist = false,
  }: { readonly image?: Buffer | undefined; readonly fileMustExist?: boolean } = {},
): Database {
  const sqlite = new SqliteDatabase(image ?? file, { timeout: SQLITE_BUSY_TIMEOUT_MS, fileMustExist });
  // FULL: a revocation that was reported is on the disk, also after a power cut. 230 µs a commit.
  sqlite.pragma('synchronous = FULL');
  sqlite.pragma('foreign_keys = ON');
  const endCheckpoints = sqlite.memory ? () => Promise.resolve() : checkpointInThread(sqlite, file);
  return createDatabase('sqlite', createSqliteDialect(sqlite, SQLITE_BUSY_TIMEOUT_MS), endCheckpoints);
}

/**
 * Kysely's migrator locks on Postgres only. Here a second, tiny SQLite file is the lock: its exclusive
 * transaction ends with the process that holds it, however that ends.
 */
export async function lockForMigration(file: string): Promise<() => void> {
  const lock = new SqliteDatabase(`${file}-migration`, { timeout: 0 });
  const giveUpAt = performance.now() + MIGRATION_WAIT_MS;
  for (;;) {
    try {
      lock.exec('begin exclusive');
      return () => lock.close();
    } catch (error) {
      if (!(error instanceof SqliteDatabase.SqliteError) || error.code !== 'SQLITE_BUSY') throw error;
      if (performance.now() > giveUpAt)
        throw new Error(`Another process is still migrating ${file}`, { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

async function openPostgres(url: string): Promise<Database> {
  // Another node may be migrating: that is waited for longer than any page would wait.
  const patient = connectPostgres(url, MIGRATION_WAIT_MS);
  try {
    await patient.ping().catch((error: unknown) => {
      throw new Error(
        'The database (DATABASE_URL) does not answer. Start it, or mend the address or password in .env.',
        { cause: error },
      );
    });
    await migrateToLatest(patient.db, 'postgres');
  } finally {
    await patient.close();
  }
  const database = connectPostgres(url);
  // Kysely closes what was used and nothing else.
  await database.ping();
  return database;
}

function connectPostgres(url: string, queryTimeoutMs = POSTGRES_TIMEOUT_MS): Database {
  const pool = new pg.Pool({
    connectionString: url,
    max: 10,
    connectionTimeoutMillis: POSTGRES_TIMEOUT_MS,
    query_timeout: queryTimeoutMs,
    statement_timeout: queryTimeoutMs * STATEMENT_SHARE,
    idle_in_transaction_session_timeout: IDLE_TRANSACTION_MS,
    types: { getTypeParser: numbersForBigints as typeof pg.types.getTypeParser },
  });
  // An idle connection that the server closed is replaced by the pool; without a listener it would end the process.
  pool.on('error', () => undefined);
  const dialect = new PostgresDialect({ pool: discardStuckConnections(pool) });
  return createDatabase('postgres', dialect);
}

/** pg hands BIGINT over as text. Ours are instants and counts, all below 2^53. */
function numbersForBigints(oid: number, format?: 'text' | 'binary'): unknown {
  if (oid === pg.types.builtins.INT8) return Number;
  return format === undefined ? pg.types.getTypeParser(oid) : pg.types.getTypeParser(oid, format as 'text');
}

function createDatabase(
  name: DatabaseDialect,
  dialect: Dialect,
  beforeClosing = () => Promise.resolve(),
): Database {
  const acting = createActing();
  const db = new Kysely<Schema>({
    dialect: createGuardedDialect(dialect, { acting, beginsImmediately: name === 'sqlite' }),
  });
  return {
    dialect: name,
    db,
    acting,
    async ping() {
      await sql`select 1`.execute(db);
    },
    async close() {
      await beforeClosing();
      await db.destroy();
    },
  };
}
