import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type OperationNode,
  type QueryResult,
  type RawBuilder,
  RawNode,
  SqliteDialect,
  ValueNode,
} from 'kysely';
import type { Acting, RunInTransaction } from '../../../src/storage/acting.ts';
import type { createGuardedDialect } from '../../../src/storage/guarded-dialect.ts';
import { createMemoryLocks } from './memory-locks.ts';
import type { Pause } from './pause.ts';

export type Flavour = 'sqlite' | 'postgres';

/** What a statement may do: read what is committed, lock, and put off its writes until the commit. */
export interface MemoryTransaction {
  write(apply: () => void): void;
  lock(key: string, mode: 'shared' | 'alone'): Promise<void>;
}

/** A statement whose SQL says no more than which table it writes to; what it does stands in a function. */
export interface Statement<T> {
  readonly query: CompiledQuery;
  /** After it was carried out. */
  result(): T;
}

export interface MemoryDatabase {
  readonly flavour: Flavour;
  /** On a connection of its own; with `transaction`, between a beginning and a commit. */
  execute<T>(statement: Statement<T>): Promise<T>;
  transaction<T>(work: (execute: <R>(statement: Statement<R>) => Promise<R>) => Promise<T>): Promise<T>;
}

export interface MemoryDatabaseDeps {
  readonly flavour: Flavour;
  readonly acting: Acting;
  readonly guard: typeof createGuardedDialect;
  readonly pause: Pause;
}

type Work = (trx: MemoryTransaction) => Promise<void>;

const works = new WeakMap<CompiledQuery, Work>();

export function statement<T>(sql: string, work: (trx: MemoryTransaction) => T | Promise<T>): Statement<T> {
  const query = CompiledQuery.raw(sql);
  let done: { readonly value: T } | undefined;
  works.set(query, async (trx) => {
    done = { value: await work(trx) };
  });
  return {
    query,
    result() {
      if (done === undefined) throw new Error(`Not carried out: ${sql}`);
      return done.value;
    },
  };
}

/** Runs a statement with what the guarded dialect gives to the actor. */
export async function runStatement<T>(run: RunInTransaction, { query, result }: Statement<T>): Promise<T> {
  await run(query);
  return result();
}

/** `actLocks` of the real code, as a statement: its key and mode are read out of its SQL. */
export function lockStatement(lock: RawBuilder<unknown>): Statement<void> {
  const { sqlFragments, parameters } = lock.toOperationNode();
  const mode = sqlFragments[0]?.includes('_shared') ? 'shared' : 'alone';
  const name = literal(parameters[1]);
  return statement(`select lock ${name} ${mode}`, (trx) => trx.lock(`act:${name}`, mode));
}

function literal(node: OperationNode | undefined): string {
  if (node !== undefined && RawNode.is(node)) return literal(node.parameters[0]);
  if (node === undefined || !ValueNode.is(node)) throw new Error('An act lock without a key');
  return String(node.value);
}

/**
 * A database in memory behind the real guarded dialect. SQLite's flavour has one connection, which is lent to one after the
 * other; Postgres's has as many as are asked for, whose transactions meet at locks alone.
 */
export function createMemoryDatabase({ flavour, acting, guard, pause }: MemoryDatabaseDeps): MemoryDatabase {
  const locks = createMemoryLocks();
  const onlyConnection = new MemoryConnection(pause, locks);

  const bare: Driver = {
    init: () => Promise.resolve(),
    destroy: () => Promise.resolve(),
    async acquireConnection() {
      if (flavour === 'postgres') return new MemoryConnection(pause, locks);
      await locks.acquire(onlyConnection.borrower(), 'connection', 'alone');
      return onlyConnection;
    },
    releaseConnection(connection) {
      if (connection === onlyConnection) locks.releaseAll(onlyConnection.returned());
      return Promise.resolve();
    },
    beginTransaction: (connection) => Promise.resolve(memory(connection).begin()),
    commitTransaction: (connection) => memory(connection).commit(),
    rollbackTransaction: (connection) => Promise.resolve(memory(connection).rollback()),
  };
  const { createAdapter, createIntrospector, createQueryCompiler } = new SqliteDialect({
    database: () => Promise.reject(new Error('There is no file')),
  });
  const dialect = { createDriver: () => bare, createAdapter, createIntrospector, createQueryCompiler };
  const driver = guard(dialect, { acting, beginsImmediately: flavour === 'sqlite' }).createDriver();

  async function withConnection<T>(work: (connection: DatabaseConnection) => Promise<T>): Promise<T> {
    const connection = await driver.acquireConnection();
    try {
      return await work(connection);
    } finally {
      await driver.releaseConnection(connection);
    }
  }

  async function run<T>(connection: DatabaseConnection, { query, result }: Statement<T>): Promise<T> {
    await connection.executeQuery(query);
    return result();
  }

  return {
    flavour,
    execute: (each) => withConnection((connection) => run(connection, each)),
    transaction: (work) =>
      withConnection(async (connection) => {
        await driver.beginTransaction(connection, {});
        let value: Awaited<ReturnType<typeof work>>;
        try {
          value = await work((each) => run(connection, each));
        } catch (error) {
          await driver.rollbackTransaction(connection);
          throw error;
        }
        await driver.commitTransaction(connection);
        return value;
      }),
  };
}

function memory(connection: DatabaseConnection): MemoryConnection {
  if (!(connection instanceof MemoryConnection)) throw new Error('A connection of another database');
  return connection;
}

/** A class because Kysely compares connections by identity, and asks for two methods. */
class MemoryConnection implements DatabaseConnection {
  readonly #pause: Pause;
  readonly #locks: ReturnType<typeof createMemoryLocks>;
  readonly #borrowers: object[] = [];
  #writes: (() => void)[] | undefined;

  constructor(pause: Pause, locks: ReturnType<typeof createMemoryLocks>) {
    this.#pause = pause;
    this.#locks = locks;
  }

  borrower(): object {
    const borrower = {};
    this.#borrowers.push(borrower);
    return borrower;
  }

  /** The one that had it: they get it in the order in which they asked. */
  returned(): object {
    return this.#borrowers.shift() ?? {};
  }

  begin(): void {
    this.#writes = [];
  }

  async commit(): Promise<void> {
    await this.#pause('commit');
    for (const apply of this.#writes ?? []) apply();
    this.rollback();
  }

  rollback(): void {
    this.#writes = undefined;
    this.#locks.releaseAll(this);
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    // SQLite begins the transaction of a single write with a statement of its own.
    if (query.sql === 'begin immediate') {
      this.begin();
      return { rows: [] };
    }
    const work = works.get(query);
    if (work === undefined) throw new Error(`Not known here: ${query.sql}`);
    await this.#pause(query.sql);
    await work({
      write: (apply) => (this.#writes === undefined ? apply() : void this.#writes.push(apply)),
      lock: (key, mode) => this.#locks.acquire(this, key, mode),
    });
    if (this.#writes === undefined) this.#locks.releaseAll(this);
    return { rows: [] };
  }

  streamQuery(): never {
    throw new Error('Nothing streams here');
  }
}
