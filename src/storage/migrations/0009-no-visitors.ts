import { type Kysely, sql } from 'kysely';

/** Visitors who have not signed in no longer have a row, and nothing tidies away those that they had. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`delete from sessions where user_id is null`.execute(db);
}
