import { type RawBuilder, sql } from 'kysely';
import { MOST_SYMBOLS_FOUND } from '../core/symbol.ts';
import type { Database } from '../storage/database.ts';
import { INSERTED_COLUMNS, toInsertJson, WORDS_AT } from './inserted-row-store.ts';
import type { Condition, Term } from './search-query.ts';
import type { IndexSearch, SymbolIndex, SymbolRow } from './symbol-index.ts';

const wordsOfImport = (firstId: number): RawBuilder<unknown> => sql.table(`symbol_words_${firstId}`);

const values = (count: number): RawBuilder<unknown> =>
  sql.join(Array.from({ length: count }, (_, place) => sql`value ->> ${sql.lit(place)}`));

/**
 * Words in FTS5, a table for each import. It gives the rows of a word in the order of their ids and stops where the page
 * is full, so a search takes a millisecond however much it finds. Prefixes of up to eight characters are indexed on their
 * own, or `n` would be put together from the rows of eighty thousand words. A longer one is put together so; of the words
 * that most instruments have (`option`, `december`), none is longer.
 */
export function createSqliteSymbolIndex({ db }: Database): SymbolIndex {
  return {
    async prepare(firstId) {
      // The words come prepared, separated by blanks: nothing is left for the tokenizer to decide.
      await sql`create virtual table ${wordsOfImport(firstId)} using fts5(
        words, content='', detail=none, prefix='1 2 3 4 5 6 7 8', tokenize="ascii tokenchars '.'")`.execute(
        db,
      );
    },

    async insert(transaction, firstId, symbols) {
      const json = toInsertJson(symbols);
      await sql`insert into symbols (${INSERTED_COLUMNS})
        select ${values(WORDS_AT)} from json_each(${json})`.execute(transaction);
      await sql`insert into ${wordsOfImport(firstId)} (rowid, words)
        select value ->> 0, value ->> ${sql.lit(WORDS_AT)} from json_each(${json})`.execute(transaction);
    },

    async search(search) {
      const { offset, limit, plan } = search;
      const ids = plan.conditions.length === 0 ? idsInRange(search) : idsOfWords(search);
      const { rows } = await (plan.literals.length === 0
        ? sql<SymbolRow>`select s.* from (${ids} limit ${limit} offset ${offset}) hits
            join symbols s on s.id = hits.id order by s.id`
        : sql<SymbolRow>`select s.* from (${ids} limit ${MOST_SYMBOLS_FOUND}) hits
            join symbols s on s.id = hits.id where ${contains(plan.literals)}
            order by s.id limit ${limit} offset ${offset}`
      ).execute(db);
      return rows;
    },

    async discard(firstId) {
      await sql`drop table if exists ${wordsOfImport(firstId)}`.execute(db);
    },

    async removeRange(firstId, lastId) {
      await db.deleteFrom('symbols').where('id', '>=', firstId).where('id', '<=', lastId).execute();
    },

    settle: () => Promise.resolve(),
  };
}

function idsInRange({ range, without }: IndexSearch): RawBuilder<unknown> {
  return sql`select id from symbols where id between ${range.firstId} and ${range.lastId}
    and id not in (${sql.join(without)}) order by id`;
}

function idsOfWords({ range, plan, without }: IndexSearch): RawBuilder<unknown> {
  const words = wordsOfImport(range.firstId);
  return sql`select rowid as id from ${words} where ${words} match ${toMatch(plan.conditions)}
    and rowid not in (${sql.join(without)}) order by rowid`;
}

const contains = (literals: readonly string[]): RawBuilder<unknown> =>
  sql.join(
    literals.map(
      (literal) =>
        sql`instr(lower(s.trading_symbol || ' ' || s.name || ' ' || s.display_name), ${literal}) > 0`,
    ),
    sql` and `,
  );

/** An FTS5 expression. Terms are letters, digits and dots, and in quotation marks nothing in them is an operator. */
function toMatch(conditions: readonly Condition[]): string {
  return conditions.map((alternatives) => `(${alternatives.map(allOf).join(' OR ')})`).join(' AND ');
}

const allOf = (terms: readonly Term[]): string => `(${terms.map(toPhrase).join(' AND ')})`;

const toPhrase = ({ text, prefix }: Term): string => (prefix ? `"${text}"*` : `"${text}"`);
