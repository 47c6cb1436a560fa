import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type CredentialStore, createCredentialStore } from '../../src/broker/credential-store.ts';
import type { Database } from '../../src/storage/database.ts';
import { addUser, DATABASES, emptyTables } from '../support/databases.ts';

describe.each(DATABASES)('The store of app credentials on %s', (_name, open) => {
  let database: Database;
  let store: CredentialStore;

  beforeAll(async () => {
    database = await open();
    store = createCredentialStore(database);
  });
  afterAll(() => database.close());
  beforeEach(async () => {
    await emptyTables(database);
    await addUser(database, 'asha');
    await addUser(database, 'ravi');
  });

  const fieldsOf = async (userId: string) =>
    (await store.listByUser(userId)).map(({ broker, field, value }) => `${broker}.${field}=${value}`).sort();

  it('keeps people and brokers apart', async () => {
    await store.replace('asha', 'kite', { apiKey: 'k', apiSecret: 's' }, 1000);
    await store.replace('asha', 'upstox', { apiKey: 'u' }, 1000);
    await store.replace('ravi', 'kite', { apiKey: 'r' }, 1000);
    expect(await fieldsOf('asha')).toEqual(['kite.apiKey=k', 'kite.apiSecret=s', 'upstox.apiKey=u']);
    expect(await fieldsOf('ravi')).toEqual(['kite.apiKey=r']);
  });

  it('puts a whole set in the place of the old one', async () => {
    await store.replace('asha', 'kite', { apiKey: 'k', apiSecret: 's' }, 1000);
    await store.replace('asha', 'kite', { apiKey: 'new' }, 2000);
    expect(await store.listByUser('asha')).toEqual([
      { broker: 'kite', field: 'apiKey', value: 'new', setAt: 2000 },
    ]);
  });

  it('has one whole set when two are saved at the same moment', async () => {
    const save = (text: string) => store.replace('asha', 'kite', { apiKey: text, apiSecret: text }, 1000);
    await Promise.all(['a', 'b', 'c', 'd'].map(save));
    const stored = await store.listByUser('asha');
    expect(stored).toHaveLength(2);
    expect(new Set(stored.map((each) => each.value)).size).toBe(1);
  });

  it('removes them once, and with their person', async () => {
    await store.replace('asha', 'kite', { apiKey: 'k', apiSecret: 's' }, 1000);
    expect(await store.remove('asha', 'kite')).toBe(true);
    expect(await store.remove('asha', 'kite')).toBe(false);
    await store.replace('asha', 'kite', { apiKey: 'k' }, 1000);
    await database.db.deleteFrom('users').where('id', '=', 'asha').execute();
    expect(await fieldsOf('asha')).toEqual([]);
  });
});
