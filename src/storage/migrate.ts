import { type ColumnDefinitionBuilder, type Kysely, sql } from 'kysely';
import { DEFAULT_MIGRATION_TABLE, type Migration, Migrator } from 'kysely/migration';
import type { DatabaseDialect } from './database.ts';
import * as initial from './migrations/0001-initial.ts';
import * as brokers from './migrations/0002-brokers.ts';
import * as sandboxRefreshTokens from './migrations/0003-sandbox-refresh-tokens.ts';
import * as symbols from './migrations/0003-symbols.ts';
import * as apiKeys from './migrations/0004-api-keys.ts';
import * as strategies from './migrations/0005-strategies.ts';
import * as settings from './migrations/0006-settings.ts';
import * as telegram from './migrations/0007-telegram.ts';
import * as orderHolders from './migrations/0008-order-holders.ts';
import * as noVisitors from './migrations/0009-no-visitors.ts';
import * as bans from './migrations/0010-bans.ts';
import * as traffic from './migrations/0011-traffic.ts';
import * as auditChain from './migrations/0012-audit-chain.ts';
import * as cspReports from './migrations/0013-csp-reports.ts';
import * as alarms from './migrations/0014-alarms.ts';
import * as lastSignIn from './migrations/0015-last-sign-in.ts';
import * as signalProblems from './migrations/0016-signal-problems.ts';
import * as knownAddresses from './migrations/0018-known-addresses.ts';
import * as countedRefusals from './migrations/0020-counted-refusals.ts';
import * as addressRegistrations from './migrations/0021-address-registrations.ts';
import type { Schema } from './schema.ts';

/** What a migration may ask about the database it runs on. */
export interface MigrationContext {
  readonly dialect: DatabaseDialect;
  /** A primary key that counts up by itself, in this database's words. */
  readonly serial: {
    readonly type: 'integer' | 'bigserial';
    readonly build: (column: ColumnDefinitionBuilder) => ColumnDefinitionBuilder;
  };
}

type MigrationStep = { up(db: Kysely<unknown>, context: MigrationContext): Promise<void> };

/** In the order in which they run. A name, once released, is never changed. */
const MIGRATIONS: Readonly<Record<string, MigrationStep>> = {
  '0001-initial': initial,
  '0002-brokers': brokers,
  '0003-sandbox-refresh-tokens': sandboxRefreshTokens,
  '0003-symbols': symbols,
  '0004-api-keys': apiKeys,
  '0005-strategies': strategies,
  '0006-settings': settings,
  '0007-telegram': telegram,
  '0008-order-holders': orderHolders,
  '0009-no-visitors': noVisitors,
  '0010-bans': bans,
  '0011-traffic': traffic,
  '0012-audit-chain': auditChain,
  '0013-csp-reports': cspReports,
  '0014-alarms': alarms,
  '0015-last-sign-in': lastSignIn,
  '0016-signal-problems': signalProblems,
  '0018-known-addresses': knownAddresses,
  '0020-counted-refusals': countedRefusals,
  '0021-address-registrations': addressRegistrations,
};

/** Which migrations a database still lacks, and which it has that this version does not know. Changes nothing. */
export interface MigrationState {
  readonly pending: readonly string[];
  readonly unknown: readonly string[];
}

export async function inspectMigrations(db: Kysely<Schema>): Promise<MigrationState> {
  const known = Object.keys(MIGRATIONS);
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some((table) => table.name === DEFAULT_MIGRATION_TABLE)) return { pending: known, unknown: [] };
  const { rows } = await sql<{
    name: string;
  }>`select name from ${sql.table(DEFAULT_MIGRATION_TABLE)}`.execute(db);
  const done = rows.map((row) => row.name);
  return {
    pending: known.filter((name) => !done.includes(name)),
    unknown: done.filter((name) => !known.includes(name)),
  };
}

/** Brings the tables up to date; returns the names of the migrations that it ran. Throws when one failed. */
export async function migrateToLatest(
  db: Kysely<Schema>,
  dialect: DatabaseDialect,
): Promise<readonly string[]> {
  const context: MigrationContext = { dialect, serial: serialFor(dialect) };
  const provider = {
    getMigrations: () =>
      Promise.resolve(
        Object.fromEntries(
          Object.entries(MIGRATIONS).map(([name, step]): [string, Migration] => [
            name,
            { up: (target) => step.up(target, context) },
          ]),
        ),
      ),
  };
  const { error, results } = await new Migrator({ db, provider }).migrateToLatest();
  if (error !== undefined) throw error;
  return (results ?? []).map((result) => result.migrationName);
}

function serialFor(dialect: DatabaseDialect): MigrationContext['serial'] {
  return dialect === 'sqlite'
    ? { type: 'integer', build: (column) => column.primaryKey().autoIncrement() }
    : { type: 'bigserial', build: (column) => column.primaryKey() };
}
