import { type Kysely, sql } from 'kysely';

/** Notices say themselves what was changed at an account. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    update account_notices
    set kind = 'account_reset', text = 'An administrator removed your second factor and your recovery codes.'
    where kind = 'factors_reset'`.execute(db);
}
