import { type Kysely, sql } from 'kysely';
import { DEFAULT_MIGRATION_TABLE } from 'kysely/migration';
import type { DatabaseDialect } from './database.ts';
import type { Schema } from './schema.ts';

/** The migrations that were squashed into one for each area on 29 November 2026, before the first release. */
export const FORMER_MIGRATIONS: readonly string[] = [
  '0001-initial',
  '0002-brokers',
  '0003-sandbox-refresh-tokens',
  '0003-symbols',
  '0004-api-keys',
  '0005-strategies',
  '0006-settings',
  '0007-telegram',
  '0008-order-holders',
  '0009-no-visitors',
  '0010-bans',
  '0011-traffic',
  '0012-audit-chain',
  '0013-csp-reports',
  '0014-alarms',
  '0015-last-sign-in',
  '0016-signal-problems',
  '0018-known-addresses',
  '0020-counted-refusals',
  '0021-address-registrations',
];

/** The migrations that stand for the former ones. Later ones run on an adopted database as on any other. */
export const SQUASHED_MIGRATIONS: readonly string[] = [
  '0001-installation',
  '0002-accounts',
  '0003-sessions',
  '0004-brokers',
  '0005-sandbox',
  '0006-symbols',
  '0007-api-keys',
  '0008-strategies',
  '0009-telegram',
  '0010-audit',
  '0011-bans',
  '0012-monitoring',
];

/** Records the squashed migrations in place of the former ones. In a transaction, under the lock of migrations. */
export async function adoptFormer(db: Kysely<Schema>, dialect: DatabaseDialect): Promise<void> {
  const table = sql.table(DEFAULT_MIGRATION_TABLE);
  // The first instant names the installation (installation.ts), which keeps its keys in Redis by it.
  const { rows } = await sql<{ at: string }>`select min(timestamp) as at from ${table}
    where name = ${FORMER_MIGRATIONS[0]}`.execute(db);
  await sql`delete from ${table}`.execute(db);
  for (const name of SQUASHED_MIGRATIONS)
    await sql`insert into ${table} (name, timestamp) values (${name}, ${rows[0]?.at})`.execute(db);
  // This index kept the number that it got while the table before it still had the name.
  if (dialect === 'postgres')
    await sql`alter index if exists audit_log_pkey1 rename to audit_log_pkey`.execute(db);
}
