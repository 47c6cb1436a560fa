import SqliteDatabase from 'better-sqlite3';
import { DefaultQueryCompiler } from 'kysely';
import pg from 'pg';

/** How long each write of the traffic log has kept this thread's event loop from everything else, in ms. */
const blocks: number[] = [];

export const takeTrafficBlocks = (): readonly number[] => blocks.splice(0);

const isTraffic = (text: string): boolean => /^insert into "?traffic_log\b/.test(text);

/** From now on. SQLite writes a transaction within one turn of the loop; of Postgres, making and sending the statement counts. */
export function timeTrafficWrites(): void {
  wrapSqlite();
  wrapPostgres();
}

function wrapSqlite(): void {
  const sample = new SqliteDatabase(':memory:').prepare('select 1');
  const prototype: SqliteDatabase.Statement = Object.getPrototypeOf(sample);
  const { run } = prototype;
  let begunAt = 0;
  let writesTraffic = false;
  prototype.run = function timedRun(this: SqliteDatabase.Statement, ...parameters) {
    const { source } = this;
    if (source.startsWith('begin')) {
      begunAt = performance.now();
      writesTraffic = false;
    }
    writesTraffic ||= isTraffic(source);
    const result = run.apply(this, parameters);
    if (source === 'commit' && writesTraffic) blocks.push(performance.now() - begunAt);
    return result;
  };
}

function wrapPostgres(): void {
  let making = 0;
  const { compileQuery } = DefaultQueryCompiler.prototype;
  DefaultQueryCompiler.prototype.compileQuery = function timedCompile(...order) {
    const startedAt = performance.now();
    const compiled = compileQuery.apply(this, order);
    if (isTraffic(compiled.sql)) making = performance.now() - startedAt;
    return compiled;
  };
  const query: (...order: unknown[]) => unknown = pg.Client.prototype.query;
  Object.assign(pg.Client.prototype, {
    query(this: pg.Client, ...order: unknown[]) {
      const startedAt = performance.now();
      const result = query.apply(this, order);
      if (typeof order[0] === 'string' && isTraffic(order[0]))
        blocks.push(making + performance.now() - startedAt);
      return result;
    },
  });
}
