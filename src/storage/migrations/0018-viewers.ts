import { type Kysely, sql } from 'kysely';

/** A third role. SQLite changes no constraint of a column, so another column takes the place of the old one. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('users')
    .addColumn('new_role', 'text', (c) =>
      c.notNull().defaultTo('viewer').check(sql`new_role in ('admin', 'user', 'viewer')`),
    )
    .execute();
  await sql`update users set new_role = role`.execute(db);
  await db.schema.alterTable('users').dropColumn('role').execute();
  await db.schema.alterTable('users').renameColumn('new_role', 'role').execute();
}
