import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DAY_MS } from '../../src/core/duration.ts';
import type { Signal } from '../../src/core/signal.ts';
import { type Database, openDatabase } from '../../src/storage/database.ts';
import { createSignalStore, type SignalStore } from '../../src/strategies/signal-store.ts';
import { createStrategyStore } from '../../src/strategies/strategy-store.ts';
import { addUser, DATABASES, postgresLocation } from '../support/databases.ts';
import { addStrategy, emptyTables, MONDAY_MORNING, ORDER, signalFor } from './strategy-world.ts';

describe.each(DATABASES)('Signals on %s', (_name, open) => {
  let database: Database;
  let signals: SignalStore;
  let strategyId: string;

  beforeAll(async () => {
    database = await open();
    signals = createSignalStore(database);
  });
  afterAll(() => database.close());
  beforeEach(async () => {
    await emptyTables(database);
    for (const user of ['asha', 'ravi']) await addUser(database, user);
    strategyId = await addStrategy(database, 'asha');
  });

  const all = (userId = 'asha') => signals.listAfter(userId, 0, 0, 1000);

  it('are read in their order, with everything that was asked for', async () => {
    const first = signalFor('asha', strategyId, { order: { ...ORDER, clientId: 'mine' } });
    expect(await signals.accept(first)).toEqual({ kind: 'accepted' });
    await signals.accept(signalFor('asha', strategyId));
    const read = await all();
    expect(read.map(({ cursor }) => cursor)).toEqual([1, 2]);
    expect(read[0]).toEqual({
      id: first.id,
      cursor: 1,
      strategyId,
      strategyName: 'Breakout',
      broker: 'sandbox',
      receivedAt: MONDAY_MORNING,
      action: 'buy',
      exchange: 'NSE',
      tradingSymbol: 'SBIN',
      quantity: 10,
      product: 'MIS',
      price: 812.55,
      clientId: 'mine',
    });
    expect(await signals.listAfter('asha', 1, 0, 1000)).toMatchObject([{ cursor: 2 }]);
    expect(await signals.listAfter('asha', 0, 0, 1)).toMatchObject([{ cursor: 1 }]);
    expect(await signals.latestCursor('asha')).toBe(2);
  });

  it('belong to one person, each of whom is counted for themselves', async () => {
    const his = await addStrategy(database, 'ravi');
    await signals.accept(signalFor('asha', strategyId));
    await signals.accept(signalFor('ravi', his));
    expect(await all('ravi')).toMatchObject([{ cursor: 1, strategyId: his }]);
    expect(await all('asha')).toHaveLength(1);
    expect(await signals.latestCursor('nobody')).toBe(0);
  });

  it('are kept up to a number for each person, the newest, refused ones apart from the others', async () => {
    for (let each = 0; each < 8; each += 1) {
      const receivedAt = MONDAY_MORNING + each;
      await signals.accept(signalFor('asha', strategyId, { receivedAt }));
      const { dedupeKey, dedupeAfter, ...refused } = signalFor('asha', strategyId, { receivedAt });
      await signals.refuse(refused, 'inactive');
    }
    const his = await addStrategy(database, 'ravi');
    await signals.accept(signalFor('ravi', his));
    const most = { accepted: 3, refused: 2 };
    expect(await signals.removeSurplus(most, 4)).toBe(8);
    expect(await signals.removeSurplus(most, 4)).toBe(3);
    expect(await signals.removeSurplus(most, 4)).toBe(0);
    expect((await all()).map(({ cursor }) => cursor)).toEqual([6, 7, 8]);
    const refused = (await signals.listByStrategy(strategyId, 100)).filter(
      ({ refusal }) => refusal !== undefined,
    );
    expect(refused.map(({ receivedAt }) => receivedAt - MONDAY_MORNING)).toEqual([7, 6]);
    expect(await all('ravi')).toHaveLength(1);
  });

  it('of a day that is over are delivered to nobody', async () => {
    await signals.accept(signalFor('asha', strategyId, { receivedAt: MONDAY_MORNING - DAY_MS }));
    await signals.accept(signalFor('asha', strategyId));
    expect(await signals.listAfter('asha', 0, MONDAY_MORNING, 10)).toMatchObject([{ cursor: 2 }]);
    expect(await signals.listAfter('asha', 0, MONDAY_MORNING + 1, 10)).toEqual([]);
  });

  it('that were delivered twice are one, as long as they may be', async () => {
    const original = signalFor('asha', strategyId, { dedupeKey: 'same' });
    await signals.accept(original);
    const again = { ...signalFor('asha', strategyId), dedupeKey: 'same' };
    expect(await signals.accept(again)).toEqual({ kind: 'duplicate', id: original.id });
    expect(await signals.accept({ ...again, dedupeAfter: MONDAY_MORNING - 1 })).toMatchObject({
      kind: 'duplicate',
    });
    expect(await all()).toHaveLength(1);
    expect(await signals.listByStrategy(strategyId, 10)).toMatchObject([{ repeats: 2 }]);

    expect(await signals.accept({ ...again, dedupeAfter: MONDAY_MORNING })).toEqual({ kind: 'accepted' });
    const other = await addStrategy(database, 'asha');
    expect(await signals.accept(signalFor('asha', other, { dedupeKey: 'same' }))).toEqual({
      kind: 'accepted',
    });
    expect((await all()).map(({ cursor }) => cursor)).toEqual([1, 4, 5]);
  });

  it('are one also where both deliveries come at the same time', async () => {
    // Several rounds: in the first one the connections are still being made, one after the other.
    for (const dedupeKey of ['first', 'second', 'third', 'fourth', 'fifth']) {
      const deliveries = Array.from({ length: 6 }, () => signalFor('asha', strategyId, { dedupeKey }));
      const outcomes = await Promise.all(deliveries.map(signals.accept));
      expect(outcomes.filter(({ kind }) => kind === 'accepted')).toHaveLength(1);
    }
    expect(await all()).toHaveLength(5);
  });

  it('that were refused have no cursor, and stop no later one that is the same', async () => {
    await signals.refuse(signalFor('asha', strategyId), 'broker_not_connected');
    await signals.refuse(
      { ...signalFor('asha', strategyId), order: undefined },
      'malformed',
      'action: Say what to do.',
    );
    expect(await all()).toEqual([]);
    expect(await signals.latestCursor('asha')).toBe(0);
    const records = await signals.listByStrategy(strategyId, 10);
    expect(records.map(({ refusal, problem }) => `${refusal} ${problem}`).sort()).toEqual([
      'broker_not_connected undefined',
      'malformed action: Say what to do.',
    ]);
  });

  it('are not accepted for a strategy that was switched off or deleted meanwhile, and none of its is delivered', async () => {
    const strategies = createStrategyStore(database);
    await signals.accept(signalFor('asha', strategyId));
    await strategies.setActive('asha', strategyId, false, MONDAY_MORNING);
    expect(await signals.accept(signalFor('asha', strategyId))).toEqual({ kind: 'inactive' });
    expect(await all()).toEqual([]);
    await strategies.setActive('asha', strategyId, true, MONDAY_MORNING);
    expect(await all()).toHaveLength(1);
    await strategies.markDeleted('asha', strategyId, MONDAY_MORNING);
    expect(await signals.accept(signalFor('asha', strategyId))).toEqual({ kind: 'inactive' });
    expect(await all()).toEqual([]);
  });

  it('are removed in batches when they are old, or when their strategy is gone', async () => {
    const gone = await addStrategy(database, 'asha');
    for (let each = 0; each < 5; each += 1) {
      await signals.accept(signalFor('asha', strategyId, { receivedAt: MONDAY_MORNING - 1 - each }));
      await signals.accept(signalFor('asha', gone));
    }
    await signals.accept(signalFor('asha', strategyId));
    expect(await signals.removeStale(MONDAY_MORNING, 3)).toBe(3);
    expect(await signals.removeStale(MONDAY_MORNING, 3)).toBe(2);
    expect(await signals.removeStale(MONDAY_MORNING, 3)).toBe(0);

    const strategies = createStrategyStore(database);
    await strategies.markDeleted('asha', gone, MONDAY_MORNING);
    expect(await strategies.removeDeleted(10)).toBe(0);
    expect(await signals.removeStale(MONDAY_MORNING, 3)).toBe(3);
    expect(await signals.removeStale(MONDAY_MORNING, 3)).toBe(2);
    expect(await strategies.removeDeleted(10)).toBe(1);
    expect(await all()).toHaveLength(1);
    expect(await strategies.find('asha', strategyId)).toBeDefined();
  });

  it('have all been accepted when switching the strategy off is done', async () => {
    let accepting = true;
    async function write(): Promise<void> {
      while (accepting) {
        const { kind } = await signals.accept(signalFor('asha', strategyId));
        if (kind === 'inactive') accepting = false;
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    const writers = Array.from({ length: 4 }, write);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await createStrategyStore(database).setActive('asha', strategyId, false, MONDAY_MORNING);
    const then = await signals.listByStrategy(strategyId, 10_000);
    await Promise.all(writers);
    expect(then.length).toBeGreaterThan(0);
    expect(await signals.listByStrategy(strategyId, 10_000)).toHaveLength(then.length);
  });

  it('never let a reader miss one, however many write at the same time', async () => {
    const WRITERS = 6;
    const EACH = 20;
    const written: string[] = [];
    const read: Signal[] = [];
    let writing = true;

    async function write(): Promise<void> {
      for (let each = 0; each < EACH; each += 1) {
        const signal = signalFor('asha', strategyId);
        await signals.accept(signal);
        written.push(signal.id);
      }
    }
    async function readOn(): Promise<void> {
      for (let last = false; !last; ) {
        last = !writing;
        const page = await signals.listAfter('asha', read.at(-1)?.cursor ?? 0, 0, 7);
        read.push(...page);
        if (page.length > 0) last = false;
        await new Promise((resolve) => setImmediate(resolve));
      }
    }

    const reader = readOn();
    await Promise.all(Array.from({ length: WRITERS }, write));
    writing = false;
    await reader;

    const cursors = read.map(({ cursor }) => cursor);
    expect(cursors).toEqual(cursors.toSorted((a, b) => a - b));
    expect(read.map(({ id }) => id).sort()).toEqual(written.sort());
  });
});

describe('Signals of two nodes on Postgres', () => {
  it('become visible in the order of their cursors, also when the first one is slow to commit', async () => {
    const location = await postgresLocation();
    const [here, there] = await Promise.all([openDatabase(location), openDatabase(location)]);
    try {
      await addUser(here, 'asha');
      const strategyId = await addStrategy(here, 'asha');
      const signals = createSignalStore(there);
      let later: Promise<unknown> | undefined;
      let isLaterDone = false;

      // Somebody's transaction that has its cursor and takes its time with the rest.
      await here.db.transaction().execute(async (trx) => {
        await trx.insertInto('signal_cursors').values({ user_id: 'asha', last: 1 }).execute();
        later = signals.accept(signalFor('asha', strategyId)).then(() => {
          isLaterDone = true;
        });
        await new Promise((resolve) => setTimeout(resolve, 200));
        expect(isLaterDone).toBe(false);
        expect(await signals.listAfter('asha', 0, 0, 10)).toEqual([]);
      });
      await later;
      expect(await signals.listAfter('asha', 0, 0, 10)).toMatchObject([{ cursor: 2 }]);
    } finally {
      await Promise.all([here.close(), there.close()]);
    }
  });
});
