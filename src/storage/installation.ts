import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { DEFAULT_MIGRATION_TABLE } from 'kysely/migration';
import type { Database } from './database.ts';

const NAME_CHARACTERS = 16;

/**
 * A name for this installation, the same for all servers on its database from the first start on: made of the instant at
 * which its first tables were. So two installations on one Redis do not meet, with any database number there.
 */
export async function readInstallationName({ db }: Pick<Database, 'db'>): Promise<string> {
  const { rows } = await sql<{ made: string }>`
    select ${sql.ref('timestamp')} as made from ${sql.table(DEFAULT_MIGRATION_TABLE)} order by name limit 1
  `.execute(db);
  const [first] = rows;
  if (first === undefined) throw new Error('The database has no tables yet');
  return createHash('sha256').update(first.made).digest('hex').slice(0, NAME_CHARACTERS);
}
