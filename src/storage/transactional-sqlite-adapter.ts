import { SqliteAdapter } from 'kysely';

/** SQLite takes changes of tables back like all others; Kysely then runs migrations in one transaction, as on Postgres. */
export class TransactionalSqliteAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}
