import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTokenInvalidator } from '../../src/broker/token-invalidator.ts';
import type { BusMessage } from '../../src/storage/bus.ts';
import { addUser, openMemory } from '../support/databases.ts';
import { type BrokerWorld, createBrokerWorld } from './broker-world.ts';

describe('Forgetting the tokens of a connection', () => {
  let world: BrokerWorld;

  beforeEach(async () => {
    world = createBrokerWorld(await openMemory());
    await addUser(world.database, 'asha');
    await world.connect('asha');
    await world.reader.accessToken('asha', 'sandbox');
    await world.reader.feedToken('asha', 'sandbox');
  });
  afterEach(() => world.database.close());

  it('empties both caches here and tells the other nodes', async () => {
    const sent: BusMessage[] = [];
    const bus = { publish: async (message: BusMessage) => void sent.push(message) };
    await createTokenInvalidator({ ...world, bus })('asha', 'sandbox');
    expect(world.caches.sizes()).toMatchObject({ auth: 0, feed: 0 });
    expect(sent).toEqual([{ kind: 'caches.clear_tokens', userId: 'asha' }]);
  });

  it('goes on where the others cannot be told, and says so in the log', async () => {
    const bus = { publish: () => Promise.reject(new Error('no connection')) };
    await createTokenInvalidator({ ...world, bus })('asha', 'sandbox');
    expect(world.caches.sizes()).toMatchObject({ auth: 0, feed: 0 });
    expect(world.log.lines).toHaveLength(1);
  });
});
