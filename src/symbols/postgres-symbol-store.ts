import { type RawBuilder, sql } from 'kysely';
import { MOST_SYMBOLS_FOUND } from '../core/symbol.ts';
import type { Database } from '../storage/database.ts';
import { INSERTED_COLUMNS, toInsertJson, WORDS_AT } from './inserted-row-store.ts';
import type { Condition, Term } from './search-query.ts';
import type { IndexSearch, SymbolIndex, SymbolRow } from './symbol-index.ts';

/**
 * Words as a tsvector, made without Postgres' parser: they are prepared, and what it would make of them depends on its
 * version and configuration. A GIN index finds rows in no order, so all ids are found and sorted: only then is a search
 * of a common word, such as `call`, the same as on SQLite.
 */
export function createPostgresSymbolIndex({ db }: Database): SymbolIndex {
  return {
    prepare: () => Promise.resolve(),

    async insert(transaction, _firstId, symbols) {
      await sql`insert into symbols (${INSERTED_COLUMNS}, words)
        select (v ->> 0)::bigint, v ->> 1, v ->> 2, v ->> 3, v ->> 4, v ->> 5, v ->> 6, v ->> 7,
          (v ->> 8)::double precision, (v ->> 9)::double precision, (v ->> 10)::double precision, v ->> 11, v ->> 12,
          v ->> 13, v ->> 14,
          array_to_tsvector(string_to_array(v ->> ${sql.lit(WORDS_AT)}, ' '))
        from json_array_elements(${toInsertJson(symbols)}::json) v`.execute(transaction);
    },

    async search(search) {
      const { plan, offset, limit } = search;
      const { rows } = await (plan.literals.length === 0
        ? sql<SymbolRow>`with found as materialized (${found(search)})
            select s.* from (select id from found order by id limit ${limit} offset ${offset}) page
            join symbols s using (id) order by s.id`
        : sql<SymbolRow>`with found as materialized (${found(search)})
            select s.* from (select id from found order by id limit ${MOST_SYMBOLS_FOUND}) hits
            join symbols s using (id) where ${contains(plan.literals)}
            order by s.id limit ${limit} offset ${offset}`
      ).execute(db);
      return rows;
    },

    discard: () => Promise.resolve(),

    async removeRange(firstId, lastId) {
      await db.deleteFrom('symbols').where('id', '>=', firstId).where('id', '<=', lastId).execute();
    },

    async settle() {
      await sql`select gin_clean_pending_list('symbols_by_words')`.execute(db);
      await sql`analyze symbols`.execute(db);
    },
  };
}

/** Without words, only as many as a search may find: the ids are in order then. With words, all, since the index is in no order. */
function found({ range, plan, without }: IndexSearch): RawBuilder<unknown> {
  const ids = sql`select id from symbols where id between ${range.firstId} and ${range.lastId}
    and id <> all(${[...without]}::bigint[])`;
  return plan.conditions.length === 0
    ? sql`${ids} order by id limit ${MOST_SYMBOLS_FOUND}`
    : sql`${ids} and words @@ ${toTsquery(plan.conditions)}::tsquery`;
}

const contains = (literals: readonly string[]): RawBuilder<unknown> =>
  sql.join(
    literals.map(
      (literal) =>
        sql`strpos(lower(s.trading_symbol || ' ' || s.name || ' ' || s.display_name), ${literal}) > 0`,
    ),
    sql` and `,
  );

/** Terms are letters, digits and dots, and in quotation marks nothing in them is an operator. */
function toTsquery(conditions: readonly Condition[]): string {
  return conditions.map((alternatives) => `(${alternatives.map(allOf).join(' | ')})`).join(' & ');
}

const allOf = (terms: readonly Term[]): string => `(${terms.map(toLexeme).join(' & ')})`;

const toLexeme = ({ text, prefix }: Term): string => (prefix ? `'${text}':*` : `'${text}'`);
