import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/storage/database.ts';
import {
  createWatchlistStore,
  MOST_WATCHED,
  type WatchlistStore,
} from '../../src/watchlist/watchlist-store.ts';
import { addUser, DATABASES } from '../support/databases.ts';

describe.each(DATABASES)('The store of watched symbols on %s', (_, open) => {
  let database: Database;
  let store: WatchlistStore;

  beforeAll(async () => {
    database = await open();
    store = createWatchlistStore(database);
    for (const id of ['asha', 'ravi', 'meera']) await addUser(database, id);
  });
  afterAll(() => database.close());

  it('lists a user’s own as they were added, with the last price', async () => {
    await store.add('asha', 'NSE:SBIN', 1);
    await store.add('asha', 'NSE:INFY', 2);
    await store.add('ravi', 'NSE:TCS', 3);
    await store.savePrices(
      'asha',
      new Map([
        ['NSE:INFY', { price: 1573.15, close: 1567.8, at: 1_795_494_600_000 }],
        ['NSE:TCS', { price: 1, at: 1 }],
      ]),
    );
    expect(await store.list('asha')).toEqual([
      { symbol: 'NSE:SBIN', last: undefined },
      { symbol: 'NSE:INFY', last: { price: 1573.15, close: 1567.8, at: 1_795_494_600_000 } },
    ]);
    expect(await store.list('ravi')).toEqual([{ symbol: 'NSE:TCS', last: undefined }]);
  });

  it('takes a symbol twice as once, and away', async () => {
    expect(await store.add('asha', 'NSE:SBIN', 9)).toBe('added');
    expect((await store.list('asha')).map(({ symbol }) => symbol)).toEqual(['NSE:SBIN', 'NSE:INFY']);
    await store.remove('asha', 'NSE:SBIN');
    await store.remove('asha', 'NSE:SBIN');
    expect((await store.list('asha')).map(({ symbol }) => symbol)).toEqual(['NSE:INFY']);
  });

  it('has an end', async () => {
    for (let index = 0; index < MOST_WATCHED; index += 1)
      expect(await store.add('meera', `NSE:S${index}`, index)).toBe('added');
    expect(await store.add('meera', 'NSE:ONE_MORE', 99)).toBe('full');
    expect(await store.add('meera', 'NSE:S0', 99)).toBe('added');
    expect(await store.list('meera')).toHaveLength(MOST_WATCHED);
  });
});
