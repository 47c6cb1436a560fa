import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createApiKeyStore } from '../../src/api/api-key-store.ts';
import type { Database } from '../../src/storage/database.ts';
import {
  createSignalHistoryStore,
  type SignalHistoryStore,
} from '../../src/strategies/signal-history-store.ts';
import { createSignalStore, type SignalStore } from '../../src/strategies/signal-store.ts';
import { addUser, DATABASES } from '../support/databases.ts';
import { addStrategy, emptyTables, MONDAY_MORNING, signalFor } from './strategy-world.ts';

describe.each(DATABASES)('What belongs to signals on %s', (_name, open) => {
  let database: Database;
  let signals: SignalStore;
  let history: SignalHistoryStore;
  let strategyId: string;

  beforeAll(async () => {
    database = await open();
    signals = createSignalStore(database);
    history = createSignalHistoryStore(database);
  });
  afterAll(() => database.close());
  beforeEach(async () => {
    await emptyTables(database);
    await addUser(database, 'asha');
    strategyId = await addStrategy(database, 'asha');
  });

  async function accept(receivedAt = MONDAY_MORNING): Promise<string> {
    const signal = signalFor('asha', strategyId, { receivedAt });
    await signals.accept(signal);
    return signal.id;
  }
  const addKey = (id: string) =>
    createApiKeyStore(database).insert(
      {
        id,
        userId: 'asha',
        name: `Key ${id}`,
        secretHash: '',
        scopes: ['signals:read'],
        expiresAt: undefined,
        addresses: { primary: undefined, secondary: undefined },
      },
      0,
    );

  it('is the text of the newest ones, and goes with the signal', async () => {
    const ids: string[] = [];
    for (let each = 0; each < 5; each += 1) {
      const id = await accept(MONDAY_MORNING + each);
      ids.push(id);
      await history.keepBody(
        { signalId: id, strategyId, receivedAt: MONDAY_MORNING + each, body: `Body ${each}` },
        3,
      );
    }
    expect([...(await history.bodiesOf(ids)).values()].sort()).toEqual(['Body 2', 'Body 3', 'Body 4']);
    await signals.removeStale(MONDAY_MORNING + 4, 10);
    expect(await history.bodiesOf(ids)).toEqual(new Map([[ids[4], 'Body 4']]));
    expect(await history.bodiesOf([])).toEqual(new Map());
  });

  it('is who fetched them first, in order, without what is gone', async () => {
    const id = await accept();
    await addKey('one');
    await addKey('two');
    await history.noteFetches([
      { signalIds: [id, 'gone'], keyId: 'two', fetchedAt: 7 },
      { signalIds: [id], keyId: 'one', fetchedAt: 9 },
      { signalIds: [id], keyId: 'two', fetchedAt: 11 },
      { signalIds: [id], keyId: 'no-such-key', fetchedAt: 12 },
    ]);
    expect(await history.fetchersOf([id])).toEqual([
      { signalId: id, keyId: 'two', keyName: 'Key two', fetchedAt: 7 },
      { signalId: id, keyId: 'one', keyName: 'Key one', fetchedAt: 9 },
    ]);
    expect(await history.fetchersOf([])).toEqual([]);
  });

  it('is of a test, too, which has no cursor and is read by no program', async () => {
    const test = signalFor('asha', strategyId);
    await signals.addTest(test, undefined);
    await signals.addTest(signalFor('asha', strategyId), 'malformed', 'body: what');
    expect(await signals.latestCursor('asha')).toBe(0);
    expect(await signals.listAfter('asha', 0, 0, 10)).toEqual([]);
    // Nor does a real one count as its second delivery.
    const real = signalFor('asha', strategyId, { dedupeKey: test.dedupeKey });
    expect(await signals.accept(real)).toEqual({ kind: 'accepted' });
    expect((await signals.listByStrategy(strategyId, 10)).filter(({ isTest }) => isTest)).toHaveLength(2);
  });
});
