import type { Kysely, Selectable } from 'kysely';
import {
  PRODUCTS,
  type Product,
  SIGNAL_ACTIONS,
  type Signal,
  type SignalAction,
  type SignalCursor,
} from '../core/signal.ts';
import { SIGNAL_REFUSALS, type SignalRefusal } from '../core/signal-refusal.ts';
import type { Database } from '../storage/database.ts';
import type { Schema, SignalsTable } from '../storage/schema.ts';
import type { RequestedOrder } from './requested-order.ts';
import type { SignalMessage } from './signal-body.ts';
import { createSignalRemoval, type SignalRemoval } from './signal-removal-store.ts';

/** A signal as it came in. */
export interface ReceivedSignal {
  readonly id: string;
  readonly userId: string;
  readonly strategyId: string;
  readonly broker: string;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  /** As far as a refused signal was read; undefined where that was not at all. */
  readonly order: AskedOrder | undefined;
}

/** The message's request, and the strategy's answer where it was asked. */
export type AskedOrder = Omit<SignalMessage, 'wantedProduct'> & { readonly product?: Product };

export interface AcceptedSignal extends ReceivedSignal {
  readonly order: RequestedOrder;
  /** Equal for two deliveries of the same signal. */
  readonly dedupeKey: string;
  /** One that was accepted after this instant and has the same key is the same signal. In ms since the epoch. */
  readonly dedupeAfter: number;
}

export type Acceptance =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'duplicate'; readonly id: string }
  /** It was switched off or deleted in this very moment. */
  | { readonly kind: 'inactive' };

/** A line of a strategy's history. */
export interface SignalRecord {
  readonly id: string;
  readonly receivedAt: number;
  /** Undefined for one that was accepted. */
  readonly refusal: SignalRefusal | undefined;
  /** The problem in its message. */
  readonly problem: string | undefined;
  readonly action: SignalAction | undefined;
  readonly exchange: string | undefined;
  readonly tradingSymbol: string | undefined;
  readonly quantity: number | undefined;
  readonly product: Product | undefined;
  /** How often it was delivered again. */
  readonly repeats: number;
  /** Its owner sent it from the strategy's page. */
  readonly isTest: boolean;
}

export interface SignalStore extends SignalRemoval {
  accept(signal: AcceptedSignal): Promise<Acceptance>;
  /** `problem`: what was wrong in the message, where it was that. */
  refuse(signal: ReceivedSignal, refusal: SignalRefusal, problem?: string): Promise<void>;
  /** One that no program is to get, accepted or not: without a cursor it is in the strategy's history alone. */
  addTest(signal: ReceivedSignal, refusal: SignalRefusal | undefined, problem?: string): Promise<void>;
  /** The last cursor that a person's signals have; 0 before the first. Those with it or a lower one can be read. */
  latestCursor(userId: string): Promise<SignalCursor>;
  /**
   * Accepted ones with a higher cursor that came in at `since` (ms since the epoch) or later, of strategies that are
   * switched on, in order.
   */
  listAfter(userId: string, after: SignalCursor, since: number, limit: number): Promise<readonly Signal[]>;
  /** Newest first. */
  listByStrategy(strategyId: string, limit: number): Promise<readonly SignalRecord[]>;
}

export function createSignalStore({ db, dialect }: Database): SignalStore {
  return {
    ...createSignalReads(db),

    ...createSignalRemoval({ db }),

    /**
     * Ids that a database counts up are handed out before they are committed, so a reader can see 8 and, later, 7. Here
     * the person's row in signal_cursors is raised first and stays locked until the commit: cursors become visible in
     * their order, a duplicate waits for its original, and a number that was not used is a gap and nothing more.
     */
    accept: ({ dedupeKey, dedupeAfter, ...signal }) =>
      db.transaction().execute(async (trx): Promise<Acceptance> => {
        const { last } = await trx
          .insertInto('signal_cursors')
          .values({ user_id: signal.userId, last: 1 })
          .onConflict((conflict) =>
            conflict.column('user_id').doUpdateSet((eb) => ({ last: eb('signal_cursors.last', '+', 1) })),
          )
          .returning('last')
          .executeTakeFirstOrThrow();

        // Switching it off waits for this commit: what is accepted was accepted before.
        const strategy = await trx
          .selectFrom('strategies')
          .select('active')
          .where('id', '=', signal.strategyId)
          .$if(dialect === 'postgres', (query) => query.forShare())
          .executeTakeFirst();
        if (strategy?.active !== 1) return { kind: 'inactive' };

        const original = await trx
          .updateTable('signals')
          .set((eb) => ({ repeats: eb('repeats', '+', 1) }))
          .where('strategy_id', '=', signal.strategyId)
          .where('dedupe_key', '=', dedupeKey)
          .where('received_at', '>', dedupeAfter)
          .returning('id')
          .executeTakeFirst();
        if (original !== undefined) return { kind: 'duplicate', id: original.id };

        await trx
          .insertInto('signals')
          .values({ ...toRow(signal), cursor: last, dedupe_key: dedupeKey })
          .execute();
        return { kind: 'accepted' };
      }),

    async refuse(signal, refusal, problem) {
      await db
        .insertInto('signals')
        .values({ ...toRow(signal), refusal, problem: problem ?? null })
        .execute();
    },

    async addTest(signal, refusal, problem) {
      await db
        .insertInto('signals')
        .values({ ...toRow(signal), refusal: refusal ?? null, problem: problem ?? null, is_test: 1 })
        .execute();
    },
  };
}

function createSignalReads(
  db: Kysely<Schema>,
): Pick<SignalStore, 'latestCursor' | 'listAfter' | 'listByStrategy'> {
  return {
    async latestCursor(userId) {
      const row = await db
        .selectFrom('signal_cursors')
        .select('last')
        .where('user_id', '=', userId)
        .executeTakeFirst();
      return row?.last ?? 0;
    },

    async listAfter(userId, after, since, limit) {
      // A program that asks with an old cursor need not be led through the history of a month.
      const day = await db
        .selectFrom('signals')
        .select((eb) => eb.fn.min('cursor').as('first'))
        .where('user_id', '=', userId)
        .where('received_at', '>=', since)
        .executeTakeFirst();
      if (day === undefined || day.first === null) return [];
      const rows = await db
        .selectFrom('signals')
        .innerJoin('strategies', 'strategies.id', 'signals.strategy_id')
        .selectAll('signals')
        .select('strategies.name')
        .where('signals.user_id', '=', userId)
        .where('signals.cursor', '>=', Math.max(after + 1, day.first))
        .where('signals.received_at', '>=', since)
        // A strategy that is switched off has stopped at once: signals that were not fetched yet, too.
        .where('strategies.active', '=', 1)
        .orderBy('signals.cursor')
        .limit(limit)
        .execute();
      return rows.flatMap((row) => toSignal(row, row.name) ?? []);
    },

    async listByStrategy(strategyId, limit) {
      const rows = await db
        .selectFrom('signals')
        .selectAll()
        .where('strategy_id', '=', strategyId)
        .orderBy('received_at', 'desc')
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.map(toRecord);
    },
  };
}

function toRow({ id, userId, strategyId, broker, receivedAt, order }: ReceivedSignal) {
  return {
    id,
    user_id: userId,
    strategy_id: strategyId,
    broker,
    received_at: receivedAt,
    action: order?.action ?? null,
    exchange: order?.exchange ?? null,
    trading_symbol: order?.tradingSymbol ?? null,
    quantity: order?.quantity ?? null,
    product: order?.product ?? null,
    price: order?.price ?? null,
    client_id: order?.clientId ?? null,
    cursor: null,
    refusal: null,
    problem: null,
    dedupe_key: null,
  };
}

type SignalRow = Selectable<SignalsTable>;

export function toRecord(row: SignalRow): SignalRecord {
  return {
    id: row.id,
    receivedAt: row.received_at,
    refusal: SIGNAL_REFUSALS.find((known) => known === row.refusal),
    problem: row.problem ?? undefined,
    action: SIGNAL_ACTIONS.find((known) => known === row.action),
    exchange: row.exchange ?? undefined,
    tradingSymbol: row.trading_symbol ?? undefined,
    quantity: row.quantity ?? undefined,
    product: PRODUCTS.find((known) => known === row.product),
    repeats: row.repeats,
    isTest: row.is_test === 1,
  };
}

/** Undefined for a row that is not a whole signal: there is none such among the accepted ones. */
function toSignal(row: SignalRow, strategyName: string): Signal | undefined {
  const { action, exchange, tradingSymbol, quantity, product } = toRecord(row);
  if (row.cursor === null || action === undefined || product === undefined) return undefined;
  if (exchange === undefined || tradingSymbol === undefined || quantity === undefined) return undefined;
  return {
    id: row.id,
    cursor: row.cursor,
    strategyId: row.strategy_id,
    strategyName,
    broker: row.broker,
    receivedAt: row.received_at,
    action,
    exchange,
    tradingSymbol,
    quantity,
    product,
    price: row.price ?? undefined,
    clientId: row.client_id ?? undefined,
  };
}
