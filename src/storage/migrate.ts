import type { ColumnDefinitionBuilder, Kysely } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import type { DatabaseDialect } from './database.ts';
import * as initial from './migrations/0001-initial.ts';

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
};

/** Brings the tables up to date; returns the names of the migrations that it ran. Throws when one failed. */
export async function migrateToLatest(
  db: Kysely<never>,
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
