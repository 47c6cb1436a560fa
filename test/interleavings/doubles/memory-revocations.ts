import { randomUUID } from 'node:crypto';
import type { Clock } from '../../../src/core/clock.ts';
import { SECOND_MS } from '../../../src/core/duration.ts';
import { CLOCK_SKEW_TOLERANCE_MS } from '../../../src/core/expiry.ts';
import type { Receipt, Revocation, RevocationScope } from '../../../src/core/revocation.ts';
import type { EpochStore } from '../../../src/revocation/epoch-store.ts';
import type { RevocationStore } from '../../../src/revocation/revocation-store.ts';
import type { ActLocks, actLocks } from '../../../src/storage/act-locks.ts';
import type { Acting } from '../../../src/storage/acting.ts';
import { lockStatement, type MemoryDatabase, type MemoryTransaction, statement } from './memory-database.ts';

export interface MemoryRevocation {
  readonly revocation: Revocation;
  dedupeKey: string | undefined;
  receipt: Receipt | undefined;
  done: boolean;
  attempts: number;
  nextAttemptAt: number;
  held: boolean;
}

/** The tables behind the doubles of several stores: what one of them commits, the others read. */
export interface MemoryTables {
  readonly epochs: Map<string, number>;
  revocations: MemoryRevocation[];
  readonly users: Map<string, { role: 'admin' | 'user'; disabled: boolean }>;
}

export function createMemoryTables(): MemoryTables {
  return { epochs: new Map(), revocations: [], users: new Map() };
}

export interface MemoryRevocationDeps {
  readonly database: MemoryDatabase;
  readonly tables: MemoryTables;
  readonly acting: Acting;
  readonly clock: Clock;
  readonly locksOf: typeof actLocks;
  /** Called at the instant of a revocation's commit. */
  readonly onStored?: (revocation: Revocation) => void;
}

const LEASE_MS = 30 * SECOND_MS;
const SWEEP_KEY = 'sweep:';

export function createMemoryEpochStore({
  database,
  tables,
}: Pick<MemoryRevocationDeps, 'database' | 'tables'>): EpochStore {
  return {
    current: (userId) => database.execute(statement('select epoch', () => tables.epochs.get(userId) ?? 0)),
    currentOf: (userIds) =>
      database.execute(
        statement('select epochs', () => new Map(userIds.map((id) => [id, tables.epochs.get(id) ?? 0]))),
      ),
  };
}

/** The outbox in memory, with the transactions and locks of the real one. */
export function createMemoryRevocationStore(deps: MemoryRevocationDeps): RevocationStore {
  const { database, tables, acting, clock, locksOf, onStored = () => undefined } = deps;

  type Execute = Parameters<Parameters<MemoryDatabase['transaction']>[0]>[0];

  async function waitForActs(execute: Execute, alone: NonNullable<ActLocks['alone']>): Promise<void> {
    if (database.flavour !== 'postgres') return;
    for (const lock of locksOf({ alone, sharedBy: acting.current()?.userId }))
      await execute(lockStatement(lock));
  }

  const isOfThePast = ({ revocation: { scope, orderedAt } }: MemoryRevocation): boolean =>
    scope.kind !== 'sweep' || orderedAt <= clock.now() + CLOCK_SKEW_TOLERANCE_MS;

  function store(revocation: Revocation, dedupeKey: string | undefined): void {
    const nextAttemptAt = revocation.orderedAt + LEASE_MS;
    const row = {
      revocation,
      dedupeKey,
      receipt: undefined,
      done: false,
      attempts: 0,
      nextAttemptAt,
      held: true,
    };
    tables.revocations.push(row);
    onStored(revocation);
  }

  async function raiseEpoch(trx: MemoryTransaction, userId: string): Promise<number> {
    // The row's own lock: of two that raise it at once, the second waits for the first.
    await trx.lock(`epoch:${userId}`, 'alone');
    const epoch = (tables.epochs.get(userId) ?? 0) + 1;
    trx.write(() => void tables.epochs.set(userId, epoch));
    return epoch;
  }

  /** Statements of the server's own, read or write, outside a transaction. */
  const read = <T>(what: string, find: () => T): Promise<T> =>
    database.execute(statement(`select ${what}`, find));
  const update = <T>(what: string, change: () => T): Promise<T> =>
    database.execute(statement(`update "revocations" (${what})`, change));

  const openAccount = (userId: string, reason: Revocation['reason'], dedupeKey?: string) =>
    database.transaction(async (execute) => {
      await waitForActs(execute, { userId });
      const isKnown = (each: MemoryRevocation): boolean => each.dedupeKey === dedupeKey;
      if (dedupeKey !== undefined && tables.revocations.some(isKnown)) return undefined;
      const epoch = await execute(statement('insert into "user_epochs"', (trx) => raiseEpoch(trx, userId)));
      const scope: RevocationScope = { kind: 'account', userId, throughEpoch: epoch - 1 };
      const revocation = { id: randomUUID(), scope, reason, orderedAt: clock.now() };
      await execute(
        statement('insert into "revocations"', (trx) => trx.write(() => store(revocation, dedupeKey))),
      );
      return revocation;
    });

  return {
    async openAccount(userId, reason) {
      const revocation = await openAccount(userId, reason);
      if (revocation === undefined) throw new Error('It has no dedupe key');
      return revocation;
    },

    openAccountOnce: openAccount,
    openAccountWith: () => Promise.reject(new Error('Nobody changes anything else here')),

    open: (scope, reason, dedupeKey) =>
      database.transaction(async (execute) => {
        await waitForActs(execute, scope.kind === 'sweep' ? 'all_users' : { userId: scope.userId });
        const revocation = { id: randomUUID(), scope, reason, orderedAt: clock.now() };
        return execute(
          statement('insert into "revocations"', async (trx) => {
            if (dedupeKey !== undefined) await trx.lock(`dedupe:${dedupeKey}`, 'alone');
            const exists = tables.revocations.some((each) => each.dedupeKey === dedupeKey);
            if (dedupeKey !== undefined && exists) return undefined;
            trx.write(() => store(revocation, dedupeKey));
            return revocation;
          }),
        );
      }),

    saveProgress: (receipt, attempts, nextAttemptAt) =>
      update('progress', () => {
        const row = tables.revocations.find(({ revocation }) => revocation.id === receipt.orderId);
        if (row === undefined) return;
        Object.assign(row, {
          receipt,
          done: receipt.status === 'done',
          attempts,
          nextAttemptAt,
          held: false,
        });
      }),

    async claimDue(limit) {
      const now = clock.now();
      const due = await read('due', () =>
        tables.revocations
          .filter((row) => !row.done && row.nextAttemptAt <= now && isOfThePast(row))
          .map((row) => ({ row, nextAttemptAt: row.nextAttemptAt }))
          .toSorted((a, b) => a.nextAttemptAt - b.nextAttemptAt)
          .slice(0, limit),
      );
      const claimed = [];
      for (const { row, nextAttemptAt } of due) {
        const isMine = await update('claim', () => {
          if (row.nextAttemptAt !== nextAttemptAt) return false;
          Object.assign(row, { nextAttemptAt: now + LEASE_MS, held: true });
          return true;
        });
        if (isMine)
          claimed.push({ revocation: row.revocation, receipt: row.receipt, attempts: row.attempts });
      }
      return claimed;
    },

    countWaiting: () =>
      read(
        'waiting',
        () =>
          tables.revocations.filter(
            (row) => !row.done && (row.attempts > 0 || row.nextAttemptAt <= clock.now()) && isOfThePast(row),
          ).length,
      ),

    async *listSince(instant, batch) {
      let after = { orderedAt: instant, id: '' };
      for (;;) {
        const { orderedAt, id } = after;
        const revocations = await read('revocations', () =>
          tables.revocations
            .map(({ revocation }) => revocation)
            .filter(
              (revocation) =>
                revocation.orderedAt > orderedAt ||
                (revocation.orderedAt === orderedAt && revocation.id > id),
            )
            .toSorted((a, b) => a.orderedAt - b.orderedAt || (a.id < b.id ? -1 : 1))
            .slice(0, batch),
        );
        const last = revocations.at(-1);
        if (last === undefined) return;
        yield revocations;
        after = last;
      }
    },

    hurryOpen: () =>
      update('hurry', () => {
        for (const row of tables.revocations) if (!row.done && !row.held) row.nextAttemptAt = clock.now();
      }),

    // There is one process, and it is not gone.
    releaseFromDeadHolders: () => Promise.resolve(),

    deleteDoneBefore: (instant) =>
      update('forget', () => {
        tables.revocations = tables.revocations.filter(
          (row) => !row.done || row.revocation.orderedAt >= instant,
        );
      }),

    releaseFutureSweeps: () =>
      update('sweeps to come', () => {
        for (const row of tables.revocations)
          if (row.dedupeKey?.startsWith(SWEEP_KEY) && !isOfThePast(row)) row.dedupeKey = undefined;
      }),

    isSwept: (instant) =>
      read('sweeps', () =>
        tables.revocations.some(
          (row) =>
            row.revocation.scope.kind === 'sweep' &&
            row.revocation.scope.before > instant &&
            row.revocation.orderedAt >= instant - CLOCK_SKEW_TOLERANCE_MS &&
            isOfThePast(row),
        ),
      ),

    latestReceipt: (userId) =>
      read('latest receipt', () =>
        tables.revocations
          .filter(({ revocation: { scope } }) => scope.kind === 'sweep' || scope.userId === userId)
          .toSorted((a, b) => b.revocation.orderedAt - a.revocation.orderedAt)
          .map(({ receipt }) => receipt)
          .find((receipt) => receipt?.lines.some((line) => line.count > 0 || line.status === 'queued')),
      ),

    receiptOf: (orderId) =>
      read('receipt', () => tables.revocations.find(({ revocation }) => revocation.id === orderId)?.receipt),

    lastSweptCutoff: () =>
      read('last sweep', () => {
        const swept = tables.revocations.flatMap(({ dedupeKey, revocation: { scope } }) =>
          dedupeKey?.startsWith(SWEEP_KEY) && scope.kind === 'sweep' ? [scope.before] : [],
        );
        return swept.length === 0 ? undefined : Math.max(...swept);
      }),
  };
}
