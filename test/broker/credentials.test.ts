import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SYSTEM_ORIGIN } from '../../src/core/audit-event.ts';
import { addUser, openMemory } from '../support/databases.ts';
import { type BrokerWorld, createBrokerWorld } from './broker-world.ts';
import { createFakeAdapter } from './fake-adapter.ts';

const KITE = createFakeAdapter({
  id: 'kite',
  credentialFields: [
    { name: 'apiKey', label: 'API key', secret: false, help: 'Beside the app.' },
    { name: 'apiSecret', label: 'API secret', secret: true, help: 'Beside the app.' },
  ],
});
const VALUES = { apiKey: 'public-key-1234', apiSecret: 'marker-secret' };

describe('App credentials', () => {
  let world: BrokerWorld;

  beforeEach(async () => {
    world = createBrokerWorld(await openMemory(), [KITE]);
    await addUser(world.database, 'asha');
  });
  afterEach(() => world.database.close());

  const rows = () => world.database.db.selectFrom('broker_credentials').selectAll().execute();
  const save = () => world.credentials.save('asha', KITE, VALUES, SYSTEM_ORIGIN);

  it('come back as they were saved', async () => {
    await save();
    expect(await world.credentials.of('asha', KITE)).toEqual(VALUES);
    expect(await world.credentials.of('ravi', KITE)).toBeUndefined();
    expect(world.audit.events).toEqual([
      { type: 'broker.credentials_saved', userId: 'asha', broker: 'kite' },
    ]);
  });

  it('are stored encrypted, each by itself, with the key of their broker', async () => {
    await save();
    const stored = await rows();
    expect(stored).toHaveLength(2);
    for (const { value } of stored) {
      expect(value).toMatch(/^gAAAAA/);
      expect(world.cipher.forBroker('upstox').decrypt(value)).toEqual({ kind: 'unreadable' });
    }
  });

  it('are none of a broker that wants none', async () => {
    expect(await world.credentials.of('asha', createFakeAdapter())).toEqual({});
  });

  it('are not there while one of them is missing', async () => {
    await save();
    await world.database.db.deleteFrom('broker_credentials').where('field', '=', 'apiSecret').execute();
    expect(await world.credentials.of('asha', KITE)).toBeUndefined();
    expect(await world.credentials.completeAmong('asha', [KITE])).toEqual(new Set());
    expect(await world.credentials.describe('asha', KITE)).toEqual({ setAt: undefined, hint: undefined });
  });

  it('say since when they are there, and the end of what is no secret', async () => {
    await save();
    expect(await world.credentials.describe('asha', KITE)).toEqual({
      setAt: world.clock.now(),
      hint: '1234',
    });
    expect(await world.credentials.completeAmong('asha', [KITE])).toEqual(new Set(['kite']));
  });

  it('do not show half of a short key', async () => {
    await world.credentials.save('asha', KITE, { ...VALUES, apiKey: 'abc1234' }, SYSTEM_ORIGIN);
    expect(await world.credentials.describe('asha', KITE)).toMatchObject({ hint: undefined });
  });

  it('are given up when somebody changed a byte of them, with an audit entry, once', async () => {
    await save();
    await world.database.db
      .updateTable('broker_credentials')
      .set((eb) => ({ value: eb.fn('replace', ['value', eb.val('gAAAAA'), eb.val('gAAAAB')]) }))
      .where('field', '=', 'apiSecret')
      .execute();
    expect(await world.credentials.of('asha', KITE)).toBeUndefined();
    expect(await world.credentials.of('asha', KITE)).toBeUndefined();
    expect(await rows()).toEqual([]);
    expect(world.audit.events.map((event) => event.type)).toEqual([
      'broker.credentials_saved',
      'broker.credentials_unreadable',
    ]);
  });
});
