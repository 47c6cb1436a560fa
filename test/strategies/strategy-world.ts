import { randomUUID } from 'node:crypto';
import { HOUR_MS } from '../../src/core/duration.ts';
import type { Database } from '../../src/storage/database.ts';
import type { RequestedOrder } from '../../src/strategies/requested-order.ts';
import type { AcceptedSignal } from '../../src/strategies/signal-store.ts';
import { createStrategyStore, type NewStrategy } from '../../src/strategies/strategy-store.ts';

export const MONDAY_MORNING = Date.parse('2026-11-23T10:00:00+05:30');

export const ORDER: RequestedOrder = {
  action: 'buy',
  exchange: 'NSE',
  tradingSymbol: 'SBIN',
  quantity: 10,
  product: 'MIS',
  price: 812.55,
  clientId: undefined,
};

/** A strategy that is switched on; returns its id. */
export async function addStrategy(
  database: Database,
  userId: string,
  wish: Partial<NewStrategy> = {},
): Promise<string> {
  const store = createStrategyStore(database);
  const id = randomUUID();
  await store.add(
    {
      id,
      userId,
      name: 'Breakout',
      platform: 'python',
      broker: 'sandbox',
      symbols: [{ exchange: 'NSE', tradingSymbol: 'SBIN', quantity: 10, product: 'MIS' }],
      hours: { days: ['mon'], opensAt: 0, closesAt: 1440 },
      webhookDigest: id,
      webhookId: 'ciphertext',
      ...wish,
    },
    MONDAY_MORNING,
  );
  await store.setActive(userId, id, true, MONDAY_MORNING);
  return id;
}

/** A signal like no other one. */
export function signalFor(
  userId: string,
  strategyId: string,
  wish: Partial<AcceptedSignal> = {},
): AcceptedSignal {
  return {
    id: randomUUID(),
    userId,
    strategyId,
    broker: 'sandbox',
    receivedAt: MONDAY_MORNING,
    order: ORDER,
    dedupeKey: randomUUID(),
    dedupeAfter: MONDAY_MORNING - HOUR_MS,
    ...wish,
  };
}

/** Between two tests on the same database: people, and through them everything that is theirs. */
export async function emptyTables({ db }: Database): Promise<void> {
  for (const table of ['signals', 'strategies', 'signal_cursors', 'user_epochs', 'users'] as const)
    await db.deleteFrom(table).execute();
}
