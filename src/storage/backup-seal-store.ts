import type { Kysely } from 'kysely';
import type { Database } from './database.ts';
import type { Schema } from './schema.ts';

/**
 * Tables that a copy of the database must leave empty, without a loss: sessions, what is on its way to becoming a broker's
 * token or to ending one, the practice broker's tokens, messages that were waiting to be sent, and links that work once.
 */
export const LEFT_OUT = [
  'sessions',
  'session_endings',
  'broker_authorizations',
  'broker_logouts',
  'sandbox_codes',
  'sandbox_tokens',
  'sandbox_refresh_tokens',
  'telegram_messages',
  'mail_messages',
  'one_time_links',
  'bus_messages',
] as const satisfies readonly (keyof Schema)[];

/**
 * Takes every live session, token and open invitation out of a copy of the database, so that putting it in place, by any means,
 * revives none. Also of a copy from an older version, which lacks tables and columns. Rows of the audit log stay as they are.
 */
export async function sealCopy({ db }: Pick<Database, 'db'>, now: number): Promise<void> {
  const columns = await readColumns(db);
  await db.transaction().execute(async (trx) => {
    for (const table of LEFT_OUT) if (columns.has(table)) await trx.deleteFrom(table).execute();
    if (columns.has('invitations'))
      await trx
        .updateTable('invitations')
        .set({ outcome: 'revoked', ended_at: now })
        .where('outcome', 'is', null)
        .execute();
    const refreshable = columns.get('broker_tokens')?.has('refresh_token') === true;
    await trx
      .updateTable('broker_tokens')
      .set({ access_token: null, feed_token: null })
      .$if(refreshable, (query) => query.set({ refresh_token: null, refresh_at: null }))
      .execute();
    await trx
      .updateTable('broker_tokens')
      .set({ is_revoked: 1, revoked_at: now, revoke_reason: 'restored' })
      .where('is_revoked', '=', 0)
      .execute();
  });
}

async function readColumns(db: Kysely<Schema>): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const tables = await db.introspection.getTables();
  return new Map(tables.map(({ name, columns }) => [name, new Set(columns.map((column) => column.name))]));
}
