import { AsyncLocalStorage } from 'node:async_hooks';
import type { CompiledQuery } from 'kysely';

/** Runs a query in the transaction of the write that is about to happen, and answers its rows. */
export type RunInTransaction = <R>(query: CompiledQuery<R>) => Promise<readonly R[]>;

/** On whose behalf a request writes to the database. */
export interface Actor {
  readonly userId: string;
  /** Set by routes for administrators: from then on each write also needs the role. */
  needsAdmin: boolean;
  /** Set by routes that belong to one's own account: elsewhere a viewer writes nothing. */
  viewerMay?: true;
  /** Throws where the actor may not write any more. Called in the transaction of each write. */
  confirm(run: RunInTransaction): Promise<void>;
}

/**
 * The actor, for all code that a request runs: awaited calls, timers and streams that it starts included. The database asks
 * the actor in the transaction of each write to a table of people's (table-owners.ts), so no route can forget to.
 */
export interface Acting {
  run<T>(actor: Actor, work: () => T): T;
  /**
   * Runs work on behalf of the server: for what follows from an act that was allowed, and must be completed although the
   * actor's session has ended since, or by the act itself.
   */
  asServer<T>(work: () => T): T;
  /** Undefined where the server acts. */
  current(): Actor | undefined;
}

export function createActing(): Acting {
  const actors = new AsyncLocalStorage<Actor | undefined>();
  return {
    run: (actor, work) => actors.run(actor, work),
    asServer: (work) => actors.run(undefined, work),
    current: () => actors.getStore(),
  };
}
