import {
  type AbortableOperationOptions,
  AliasNode,
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type OperationNode,
  type QueryResult,
  TableNode,
} from 'kysely';
import type { Acting, Actor, RunInTransaction } from './acting.ts';
import { TABLE_OWNERS } from './table-owners.ts';

export interface GuardOptions {
  readonly acting: Acting;
  /** SQLite: takes the file's lock before anything is read, so that what was confirmed holds until the commit. */
  readonly beginsImmediately: boolean;
}

/**
 * A dialect whose writes on behalf of an actor are conditional on that actor, in the same transaction: before the first
 * write of a transaction the actor is asked, and a write without a transaction gets one. What the actor throws rolls back.
 */
export function createGuardedDialect(dialect: Dialect, options: GuardOptions): Dialect {
  return {
    createAdapter: () => dialect.createAdapter(),
    createDriver: () => guardDriver(dialect.createDriver(), options),
    createIntrospector: (db) => dialect.createIntrospector(db),
    createQueryCompiler: () => dialect.createQueryCompiler(),
  };
}

function guardDriver(driver: Driver, { acting, beginsImmediately }: GuardOptions): Driver {
  const guarded = new WeakMap<DatabaseConnection, GuardedConnection>();
  const bare = (connection: DatabaseConnection): DatabaseConnection =>
    connection instanceof GuardedConnection ? connection.bare : connection;

  async function begin(connection: DatabaseConnection, settings: Parameters<Driver['beginTransaction']>[1]) {
    if (beginsImmediately && acting.current() !== undefined)
      await connection.executeQuery(CompiledQuery.raw('begin immediate'));
    else await driver.beginTransaction(connection, settings);
  }

  return {
    init: (...args) => driver.init(...args),
    destroy: (...args) => driver.destroy(...args),
    async acquireConnection(...args) {
      const connection = await driver.acquireConnection(...args);
      const known = guarded.get(connection);
      if (known !== undefined) return known;
      const wrapped = new GuardedConnection(connection, {
        acting,
        begin: () => begin(connection, {}),
        commit: () => driver.commitTransaction(connection),
        rollback: () => driver.rollbackTransaction(connection),
      });
      guarded.set(connection, wrapped);
      return wrapped;
    },
    releaseConnection: (connection, ...args) => driver.releaseConnection(bare(connection), ...args),
    async beginTransaction(connection, settings) {
      await begin(bare(connection), settings);
      if (connection instanceof GuardedConnection) connection.transactionBegan();
    },
    async commitTransaction(connection) {
      if (connection instanceof GuardedConnection) connection.transactionEnded();
      await driver.commitTransaction(bare(connection));
    },
    async rollbackTransaction(connection) {
      if (connection instanceof GuardedConnection) connection.transactionEnded();
      await driver.rollbackTransaction(bare(connection));
    },
  };
}

interface TransactionControl {
  readonly acting: Acting;
  readonly begin: () => Promise<void>;
  readonly commit: () => Promise<void>;
  readonly rollback: () => Promise<void>;
}

/** A class because Kysely compares connections by identity, and asks for two methods. */
class GuardedConnection implements DatabaseConnection {
  readonly bare: DatabaseConnection;
  readonly #control: TransactionControl;
  #inTransaction = false;
  #confirmed: Actor | undefined;

  constructor(bare: DatabaseConnection, control: TransactionControl) {
    this.bare = bare;
    this.#control = control;
  }

  transactionBegan(): void {
    this.#inTransaction = true;
    this.#confirmed = undefined;
  }

  transactionEnded(): void {
    this.#inTransaction = false;
    this.#confirmed = undefined;
  }

  async executeQuery<R>(query: CompiledQuery, options?: AbortableOperationOptions): Promise<QueryResult<R>> {
    const actor = this.#control.acting.current();
    if (actor === undefined || !isActOfPerson(query)) return this.bare.executeQuery<R>(query, options);
    if (this.#inTransaction) {
      await this.#confirm(actor);
      return this.bare.executeQuery<R>(query, options);
    }
    return this.#inItsOwnTransaction(async () => {
      await actor.confirm(this.#run);
      return this.bare.executeQuery<R>(query, options);
    });
  }

  streamQuery<R>(
    ...args: Parameters<DatabaseConnection['streamQuery']>
  ): AsyncIterableIterator<QueryResult<R>> {
    return this.bare.streamQuery<R>(...args);
  }

  async #confirm(actor: Actor): Promise<void> {
    if (this.#confirmed === actor) return;
    await actor.confirm(this.#run);
    this.#confirmed = actor;
  }

  readonly #run: RunInTransaction = async <R>(query: CompiledQuery<R>) =>
    (await this.bare.executeQuery<R>(query)).rows;

  async #inItsOwnTransaction<T>(work: () => Promise<T>): Promise<T> {
    const { begin, commit, rollback } = this.#control;
    await begin();
    let result: T;
    try {
      result = await work();
    } catch (error) {
      await rollback();
      throw error;
    }
    await commit();
    return result;
  }
}

/** `insert into "users"`, `update users`, `delete from symbols`, also behind a `with`. */
const WRITTEN_TABLE = /\b(?:insert\s+into|update|delete\s+from)\s+"?(\w+)"?/i;

function isActOfPerson({ query, sql }: CompiledQuery): boolean {
  const table = query.kind === 'RawNode' ? WRITTEN_TABLE.exec(sql)?.[1] : writtenTable(query);
  if (table === undefined) return false;
  // A table that is made while the server runs (the words of one import of symbols) is part of an act as well.
  return owners.get(table) !== 'server';
}

const owners: ReadonlyMap<string, string> = new Map(Object.entries(TABLE_OWNERS));

/** The table that a statement of Kysely's builder writes to; undefined for one that only reads. */
function writtenTable(query: CompiledQuery['query']): string | undefined {
  switch (query.kind) {
    case 'InsertQueryNode':
      return nameOf(query.into);
    case 'UpdateQueryNode':
      return nameOf(query.table);
    case 'DeleteQueryNode':
      return nameOf(query.from.froms[0]);
    default:
      return undefined;
  }
}

function nameOf(node: OperationNode | undefined): string {
  if (node === undefined) return '';
  if (AliasNode.is(node)) return nameOf(node.node);
  return TableNode.is(node) ? node.table.identifier.name : '';
}
