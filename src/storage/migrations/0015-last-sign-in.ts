import { type Kysely, sql } from 'kysely';

/** When each person last signed in; of what was before, as far as the audit log knows. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('users').addColumn('last_sign_in_at', 'bigint').execute();
  await sql`
    update users set last_sign_in_at = (
      select max(at) from audit_log
      where audit_log.user_id = users.id and audit_log.type = 'login.succeeded'
    )`.execute(db);
}
