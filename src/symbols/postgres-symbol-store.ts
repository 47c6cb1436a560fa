import { type RawBuilder, sql } from 'kysely';
import { MOST_SYMBOLS_FOUND } from '../core/symbol.ts';
import type { Database } from '../storage/database.ts';
import { INSERTED_COLUMNS, toInsertJson, WORDS_AT } from './inserted-row-store.ts';
import type { Condition, Term } from './search-query.ts';
import type { IndexSearch, SymbolIndex, SymbolRow } from './symbol-index.ts';

/**
 * Words as a tsvector, made without Postgres' parser: they are prepared, and what it would make of them depends on its
 * version and configuration. A GIN index finds rows in no order, so at most `MOST_SYMBOLS_FOUND` of them are taken and
 * sorted; options last, since they are nine tenths of a master and the fewest of those that somebody means.
 */
export function createPostgresSymbolIndex({ db }: Database): SymbolIndex {
  return {
    prepare: () => Promise.resolve(),

    async insert(transaction, _firstId, symbols) {
      await sql`insert into symbols (${INSERTED_COLUMNS}, words)
        select (v ->> 0)::bigint, v ->> 1, v ->> 2, v ->> 3, v ->> 4, v ->> 5, v ->> 6, v ->> 7,
          (v ->> 8)::double precision, (v ->> 9)::double precision, (v ->> 10)::double precision, v ->> 11, v ->> 12,
          array_to_tsvector(string_to_array(v ->> ${sql.lit(WORDS_AT)}, ' '))
        from json_array_elements(${toInsertJson(symbols)}::json) v`.execute(transaction);
    },

    async search(search) {
      const { plan, offset, limit } = search;
      const { rows } = await (plan.literals.length === 0
        ? sql<SymbolRow>`with ${bothKinds(search)}
            select s.* from (select id from (${HITS}) hits order by id limit ${limit} offset ${offset}) page
            join symbols s using (id) order by s.id`
        : sql<SymbolRow>`with ${bothKinds(search)}
            select s.* from (${HITS}) hits join symbols s using (id) where ${contains(plan.literals)}
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

/** Materialised parts are planned as if all were read, and read only as far as is asked: so the limit never brings a scan of the table. */
function bothKinds({ range, plan, without }: IndexSearch): RawBuilder<unknown> {
  const { firstId, firstOptionId, lastId } = range;
  const between = (first: number, last: number) =>
    sql`select id from symbols where id between ${first} and ${last} ${matching(plan.conditions)}
      and id <> all(${[...without]}::bigint[])`;
  return sql`others as materialized (${between(firstId, firstOptionId - 1)}),
    options as materialized (${between(firstOptionId, lastId)})`;
}

const HITS = sql`select id from (select id from others union all select id from options) both_kinds
  limit ${sql.lit(MOST_SYMBOLS_FOUND)}`;

const matching = (conditions: readonly Condition[]): RawBuilder<unknown> =>
  conditions.length === 0 ? sql`` : sql`and words @@ ${toTsquery(conditions)}::tsquery`;

const contains = (literals: readonly string[]): RawBuilder<unknown> =>
  sql.join(
    literals.map((literal) => sql`strpos(lower(s.trading_symbol || ' ' || s.name), ${literal}) > 0`),
    sql` and `,
  );

/** Terms are letters, digits and dots, and in quotation marks nothing in them is an operator. */
function toTsquery(conditions: readonly Condition[]): string {
  return conditions.map((alternatives) => `(${alternatives.map(allOf).join(' | ')})`).join(' & ');
}

const allOf = (terms: readonly Term[]): string => `(${terms.map(toLexeme).join(' & ')})`;

const toLexeme = ({ text, prefix }: Term): string => (prefix ? `'${text}':*` : `'${text}'`);
