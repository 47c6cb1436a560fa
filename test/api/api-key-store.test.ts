import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ApiKeyStore, createApiKeyStore, type NewApiKey } from '../../src/api/api-key-store.ts';
import { DAY_MS } from '../../src/core/duration.ts';
import type { Database } from '../../src/storage/database.ts';
import { addUser, DATABASES, disableUser } from '../support/databases.ts';

const ANYWHERE = { primary: undefined, secondary: undefined };
const WEEK_MS = 7 * DAY_MS;

describe.each(DATABASES)('The store of API keys on %s', (_name, open) => {
  let database: Database;
  let store: ApiKeyStore;

  beforeAll(async () => {
    database = await open();
    store = createApiKeyStore(database);
  });
  afterAll(() => database.close());
  beforeEach(async () => {
    await database.db.deleteFrom('users').execute();
    await addUser(database, 'asha');
    await addUser(database, 'ravi');
  });

  const key = (id: string, more: Partial<NewApiKey> = {}): NewApiKey => ({
    id,
    userId: 'asha',
    name: id,
    secretHash: `hash of ${id}`,
    scopes: ['session:read', 'broker:token'],
    expiresAt: undefined,
    addresses: ANYWHERE,
    ...more,
  });
  const idsOf = async (userId: string) => (await store.listByUser(userId)).map(({ id }) => id);

  it('gives a request everything to check it against', async () => {
    await store.insert(
      key('one', { expiresAt: 9000, addresses: { primary: '10.0.0.1', secondary: undefined } }),
      5,
    );
    expect(await store.findForUse('one')).toEqual({
      id: 'one',
      userId: 'asha',
      username: 'asha',
      name: 'one',
      scopes: ['session:read', 'broker:token'],
      expiresAt: 9000,
      addresses: { primary: '10.0.0.1', secondary: undefined },
      secretHash: 'hash of one',
      ownerDisabled: false,
      ownerRole: 'user',
    });
    expect(await store.findForUse('other')).toBeUndefined();
    expect(await store.findForUse('ONE')).toBeUndefined();
  });

  it('finds a page of everybody’s by owner or name, whatever the case, and takes signs as they are', async () => {
    await store.insert(key('r1', { userId: 'ravi', name: 'Bot 100%' }), 1);
    await store.insert(key('a2', { name: 'Scalper' }), 2);
    await store.insert(key('a1', { name: 'BOT 1000' }), 1);
    const find = async (text: string, offset = 0, limit = 10) => {
      const { keys, total } = await store.search({ text, offset, limit });
      return [keys.map(({ id }) => id), total];
    };
    expect(await find('')).toEqual([['a1', 'a2', 'r1'], 3]);
    expect(await find('', 1, 1)).toEqual([['a2'], 3]);
    expect(await find('bot')).toEqual([['a1', 'r1'], 2]);
    expect(await find('100%')).toEqual([['r1'], 1]);
    expect(await find('RAV')).toEqual([['r1'], 1]);
    await store.revoke('a1', 3);
    expect(await find('bot')).toEqual([['r1'], 1]);
  });

  it('counts each of several at once, and takes no more than so many', async () => {
    const sent = Array.from({ length: 12 }, (_, each) => store.insert(key(`k${each}`), 1, 5));
    const others = Array.from({ length: 3 }, (_, each) =>
      store.insert(key(`r${each}`, { userId: 'ravi' }), 1, 5),
    );
    const outcomes = await Promise.all(sent);
    expect(outcomes.filter((outcome) => outcome === 'stored')).toHaveLength(5);
    expect(outcomes.filter((outcome) => outcome === 'too_many')).toHaveLength(7);
    expect(await Promise.all(others)).toEqual(['stored', 'stored', 'stored']);
    expect(await store.countByUser('asha')).toBe(5);
    const [first = ''] = await idsOf('asha');
    await store.revoke(first, 2);
    expect(await store.insert(key('next'), 3, 5)).toBe('stored');
    expect(await store.insert(key('last'), 3, 5)).toBe('too_many');
  });

  it('says at once that the owner was disabled', async () => {
    await store.insert(key('one'), 5);
    await disableUser(database, 'asha');
    expect(await store.findForUse('one')).toMatchObject({ ownerDisabled: true });
  });

  it('lists people’s keys apart, oldest first, and everybody’s by owner', async () => {
    await store.insert(key('r', { userId: 'ravi' }), 1);
    await store.insert(key('b'), 3);
    await store.insert(key('a'), 2);
    expect(await idsOf('asha')).toEqual(['a', 'b']);
    expect((await store.listAll()).map(({ id, username }) => `${username} ${id}`)).toEqual([
      'asha a',
      'asha b',
      'ravi r',
    ]);
    expect(await store.countByUser('asha')).toBe(2);
    expect(await store.countByUser('nobody')).toBe(0);
  });

  it('takes a name once for each person, until its key is revoked', async () => {
    expect(await store.insert(key('one', { name: 'Bot' }), 1)).toBe('stored');
    expect(await store.insert(key('two', { name: 'Bot' }), 1)).toBe('name_taken');
    expect(await store.insert(key('three', { name: 'Bot', userId: 'ravi' }), 1)).toBe('stored');
    await store.revoke('one', 2);
    expect(await store.insert(key('four', { name: 'Bot' }), 3)).toBe('stored');
  });

  it('makes one key of a form that is sent several times at once', async () => {
    const sent = ['a', 'b', 'c', 'd'].map((id) => store.insert(key(id, { name: 'Bot' }), 1));
    expect((await Promise.all(sent)).filter((outcome) => outcome === 'stored')).toHaveLength(1);
  });

  it('revokes once, wipes the hash, and keeps the row for the audit', async () => {
    await store.insert(key('one'), 1);
    expect(await store.revoke('one', 2)).toBe(true);
    expect(await store.revoke('one', 3)).toBe(false);
    expect(await store.findForUse('one')).toMatchObject({ secretHash: undefined });
    expect(await store.find('one')).toBeUndefined();
    expect(await idsOf('asha')).toEqual([]);
    const rows = await database.db.selectFrom('api_keys').select(['revoked_at', 'secret_hash']).execute();
    expect(rows).toEqual([{ revoked_at: 2, secret_hash: null }]);
  });

  it('lets addresses be set at once where there were none, and then after a week, to the millisecond', async () => {
    await store.insert(key('one'), 1000);
    const change = (primary: string, now: number) =>
      store.changeAddresses('one', { primary, secondary: undefined }, now);
    expect(await change('10.0.0.1', 2000)).toBe(true);
    expect(await change('10.0.0.2', 2000 + WEEK_MS - 1)).toBe(false);
    expect(await store.find('one')).toMatchObject({
      addresses: { primary: '10.0.0.1' },
      addressesChangedAt: 2000,
    });
    expect(await change('10.0.0.2', 2000 + WEEK_MS)).toBe(true);
    expect(await store.find('one')).toMatchObject({ addresses: { primary: '10.0.0.2' } });
  });

  it('counts the addresses that a key is made with as a change', async () => {
    await store.insert(key('one', { addresses: { primary: '10.0.0.1', secondary: '10.0.0.2' } }), 1000);
    expect(await store.changeAddresses('one', ANYWHERE, 1001)).toBe(false);
    await store.liftAddressWait('one');
    expect(await store.changeAddresses('one', ANYWHERE, 1001)).toBe(true);
    expect(await store.changeAddresses('one', ANYWHERE, 1002)).toBe(false);
  });

  describe('the addresses that a person registers', () => {
    const at = (primary: string, secondary?: string) => ({ addresses: { primary, secondary } });

    it('outlast the key: a new one within the week has the same, or none', async () => {
      await store.insert(key('one', at('10.0.0.1', '10.0.0.2')), 1000);
      await store.revoke('one', 1001);
      const soon = 1000 + WEEK_MS - 1;
      expect(await store.insert(key('two', at('10.0.0.3')), soon)).toBe('addresses_too_soon');
      expect(await store.insert(key('two', at('10.0.0.1', '10.0.0.3')), soon)).toBe('addresses_too_soon');
      expect(await idsOf('asha')).toEqual([]);
      expect(await store.insert(key('same', at('10.0.0.2', '10.0.0.1')), soon)).toBe('stored');
      expect(await store.insert(key('free'), soon)).toBe('stored');
      expect(await store.changeAddresses('free', at('10.0.0.3').addresses, soon)).toBe(false);
      expect(await store.changeAddresses('free', at('10.0.0.2').addresses, soon)).toBe(true);
      expect(await store.insert(key('two', at('10.0.0.3')), soon + 1)).toBe('stored');
    });

    it('are changed once by all keys together, and stay good where another key has them', async () => {
      await store.insert(key('one', at('10.0.0.1')), 1000);
      await store.insert(key('two', at('10.0.0.1')), 1000);
      const now = 1000 + WEEK_MS;
      expect(await store.changeAddresses('one', at('10.0.0.9').addresses, now)).toBe(true);
      expect(await store.changeAddresses('two', at('10.0.0.8').addresses, now)).toBe(false);
      expect(await store.changeAddresses('two', at('10.0.0.9').addresses, now)).toBe(true);
      expect(await store.insert(key('three', at('10.0.0.1')), now)).toBe('stored');
      expect(await store.registrationOf('asha')).toEqual({
        addresses: ['10.0.0.9', '10.0.0.1'],
        changedAt: now,
      });
    });

    it('are each person’s own, and an administrator lifts the wait of one person for one change', async () => {
      await store.insert(key('one', at('10.0.0.1')), 1000);
      expect(await store.insert(key('his', { userId: 'ravi', ...at('10.0.0.9') }), 1001)).toBe('stored');
      await store.insert(key('free'), 1002);
      await store.liftAddressWait('free');
      expect((await store.find('one'))?.addressesChangedAt).toBeUndefined();
      expect((await store.find('his'))?.addressesChangedAt).toBe(1001);
      expect(await store.insert(key('two', at('10.0.0.3')), 1003)).toBe('stored');
      expect(await store.insert(key('four', at('10.0.0.4')), 1004)).toBe('addresses_too_soon');
    });

    it('are not registered for a key that is not stored', async () => {
      await store.insert(key('one'), 1000);
      expect(await store.insert(key('other', { name: 'one', ...at('10.0.0.1') }), 1001)).toBe('name_taken');
      expect(await store.insert(key('more', at('10.0.0.1')), 1001, 1)).toBe('too_many');
      expect(await store.registrationOf('asha')).toEqual({ addresses: [], changedAt: undefined });
    });

    it('are one of two that come at the same time', async () => {
      const made = ['10.0.0.1', '10.0.0.2', '10.0.0.3'].map((primary) =>
        store.insert(key(primary, at(primary)), 1000),
      );
      expect((await Promise.all(made)).sort()).toEqual([
        'addresses_too_soon',
        'addresses_too_soon',
        'stored',
      ]);
    });
  });

  it('stores one of two changes that come at the same time, and none of a revoked key', async () => {
    await store.insert(key('one'), 1000);
    const changes = ['10.0.0.1', '10.0.0.2', '10.0.0.3'].map((primary) =>
      store.changeAddresses('one', { primary, secondary: undefined }, 2000),
    );
    expect((await Promise.all(changes)).filter(Boolean)).toHaveLength(1);
    await store.revoke('one', 3000);
    expect(await store.changeAddresses('one', ANYWHERE, 2000 + WEEK_MS)).toBe(false);
  });

  it('keeps the latest use of each key, in whatever order the nodes write', async () => {
    await store.insert(key('one'), 1);
    await store.insert(key('two'), 1);
    await store.noteUses([
      { id: 'one', at: 100, address: '10.0.0.1' },
      { id: 'two', at: 50, address: '10.0.0.2' },
    ]);
    await store.noteUses([{ id: 'one', at: 90, address: '10.0.0.9' }]);
    expect(await store.find('one')).toMatchObject({ lastUsed: { at: 100, address: '10.0.0.1' } });
    expect(await store.find('two')).toMatchObject({ lastUsed: { at: 50, address: '10.0.0.2' } });
  });

  it('forgets keys with their person', async () => {
    await store.insert(key('one'), 1);
    await database.db.deleteFrom('users').where('id', '=', 'asha').execute();
    expect(await store.findForUse('one')).toBeUndefined();
  });
});
