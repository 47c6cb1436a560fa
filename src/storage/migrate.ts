import { type ColumnDefinitionBuilder, type Kysely, sql } from 'kysely';
import {
  DEFAULT_MIGRATION_LOCK_TABLE,
  DEFAULT_MIGRATION_TABLE,
  MIGRATION_LOCK_ID,
  type Migration,
  Migrator,
} from 'kysely/migration';
import type { DatabaseDialect } from './database.ts';
import { adoptFormer, FORMER_MIGRATIONS } from './former-migrations.ts';
import {
  classifyMigrations,
  type MigrationState,
  MigrationStateError,
  migrationProblem,
} from './migration-state.ts';
import * as installation from './migrations/0001-installation.ts';
import * as accounts from './migrations/0002-accounts.ts';
import * as sessions from './migrations/0003-sessions.ts';
import * as brokers from './migrations/0004-brokers.ts';
import * as sandbox from './migrations/0005-sandbox.ts';
import * as symbols from './migrations/0006-symbols.ts';
import * as apiKeys from './migrations/0007-api-keys.ts';
import * as strategies from './migrations/0008-strategies.ts';
import * as telegram from './migrations/0009-telegram.ts';
import * as audit from './migrations/0010-audit.ts';
import * as bans from './migrations/0011-bans.ts';
import * as monitoring from './migrations/0012-monitoring.ts';
import * as noCspReports from './migrations/0013-no-csp-reports.ts';
import * as secretChecks from './migrations/0014-secret-checks.ts';
import * as secondFactors from './migrations/0015-second-factors.ts';
import * as symbolNames from './migrations/0016-symbol-names.ts';
import * as heldConnections from './migrations/0017-held-connections.ts';
import * as viewers from './migrations/0018-viewers.ts';
import * as mail from './migrations/0019-mail.ts';
import * as signIns from './migrations/0020-sign-ins.ts';
import * as signalHistory from './migrations/0021-signal-history.ts';
import * as watchedSymbols from './migrations/0022-watched-symbols.ts';
import * as oneTimeLinks from './migrations/0023-one-time-links.ts';
import * as passkeys from './migrations/0024-passkeys.ts';
import * as gatewayUses from './migrations/0025-gateway-uses.ts';
import * as accountChanges from './migrations/0026-account-changes.ts';
import type { Schema } from './schema.ts';

/** Facts about the database that a migration runs on. */
export interface MigrationContext {
  readonly dialect: DatabaseDialect;
  /** A primary key that counts up by itself, in this database's words. */
  readonly serial: {
    readonly type: 'integer' | 'bigserial';
    readonly build: (column: ColumnDefinitionBuilder) => ColumnDefinitionBuilder;
  };
}

type MigrationStep = { up(db: Kysely<unknown>, context: MigrationContext): Promise<void> };

/** In the order in which they run: append only, by name. A released one is never changed (test/storage/migrations). */
const MIGRATIONS: Readonly<Record<string, MigrationStep>> = {
  '0001-installation': installation,
  '0002-accounts': accounts,
  '0003-sessions': sessions,
  '0004-brokers': brokers,
  '0005-sandbox': sandbox,
  '0006-symbols': symbols,
  '0007-api-keys': apiKeys,
  '0008-strategies': strategies,
  '0009-telegram': telegram,
  '0010-audit': audit,
  '0011-bans': bans,
  '0012-monitoring': monitoring,
  '0013-no-csp-reports': noCspReports,
  '0014-secret-checks': secretChecks,
  '0015-second-factors': secondFactors,
  '0016-symbol-names': symbolNames,
  '0017-held-connections': heldConnections,
  '0018-viewers': viewers,
  '0019-mail': mail,
  '0020-sign-ins': signIns,
  '0021-signal-history': signalHistory,
  '0022-watched-symbols': watchedSymbols,
  '0023-one-time-links': oneTimeLinks,
  '0024-passkeys': passkeys,
  '0025-gateway-uses': gatewayUses,
  '0026-account-changes': accountChanges,
};

/** Reads where a database stands. Changes nothing. */
export async function inspectMigrations(db: Kysely<Schema>): Promise<MigrationState> {
  const lists = { known: Object.keys(MIGRATIONS), former: FORMER_MIGRATIONS };
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some((table) => table.name === DEFAULT_MIGRATION_TABLE)) return classifyMigrations([], lists);
  const { rows } = await sql<{
    name: string;
  }>`select name from ${sql.table(DEFAULT_MIGRATION_TABLE)} order by name`.execute(db);
  return classifyMigrations(
    rows.map((row) => row.name),
    lists,
  );
}

/**
 * Brings the tables up to date. On SQLite the caller holds the lock of migrations. Throws, with nothing changed, a
 * MigrationStateError where this version does not open the database, and what a migration throws.
 */
export async function migrateToLatest(db: Kysely<Schema>, dialect: DatabaseDialect): Promise<void> {
  const state = await inspectMigrations(db);
  if (state.kind === 'current') return;
  const problem = migrationProblem(state);
  if (problem !== undefined) throw new MigrationStateError(problem);
  if (state.kind === 'former') await adopt(db, dialect);
  const context: MigrationContext = { dialect, serial: serialFor(dialect) };
  const provider = { getMigrations: () => Promise.resolve(toMigrations(context)) };
  const { error } = await new Migrator({ db, provider }).migrateToLatest();
  if (error !== undefined) throw error;
}

/** Under Kysely's own lock: of several processes that start at once, the first one adopts. */
async function adopt(db: Kysely<Schema>, dialect: DatabaseDialect): Promise<void> {
  const { adapter } = db.getExecutor();
  const lock = { lockTable: DEFAULT_MIGRATION_LOCK_TABLE, lockRowId: MIGRATION_LOCK_ID };
  await db.connection().execute(async (connection) => {
    await adapter.acquireMigrationLock(connection, lock);
    try {
      await connection.transaction().execute(async (transaction) => {
        const { kind } = await inspectMigrations(transaction);
        if (kind === 'former') await adoptFormer(transaction, dialect);
      });
    } finally {
      await adapter.releaseMigrationLock(connection, lock);
    }
  });
}

function toMigrations(context: MigrationContext): Record<string, Migration> {
  return Object.fromEntries(
    Object.entries(MIGRATIONS).map(([name, step]) => [
      name,
      { up: (target: Kysely<unknown>) => step.up(target, context) },
    ]),
  );
}

function serialFor(dialect: DatabaseDialect): MigrationContext['serial'] {
  return dialect === 'sqlite'
    ? { type: 'integer', build: (column) => column.primaryKey().autoIncrement() }
    : { type: 'bigserial', build: (column) => column.primaryKey() };
}
