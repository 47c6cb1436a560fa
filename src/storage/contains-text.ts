import { type RawBuilder, sql } from 'kysely';

/** Whether a column holds a text as it was typed: `%` and `_` stand for themselves. `like`: Postgres has `ilike` as well. */
export function containsText(
  column: RawBuilder<unknown>,
  text: string,
  like: RawBuilder<unknown> = sql`like`,
): RawBuilder<boolean> {
  return sql<boolean>`${column} ${like} ${`%${text.replace(/[\\%_]/g, '\\$&')}%`} escape '\\'`;
}
