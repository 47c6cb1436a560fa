import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLostConnections } from '../../src/broker/lost-connections.ts';
import { createCutoffCalendar } from '../../src/core/cutoff.ts';
import { DAY_MS, HOUR_MS } from '../../src/core/duration.ts';
import { addUser, moveEpoch, openMemory } from '../support/databases.ts';
import { type BrokerWorld, createBrokerWorld } from './broker-world.ts';
import { createFakeAdapter } from './fake-adapter.ts';

const BROKERS = ['kite', 'upstox', 'fyers'].map((id) => createFakeAdapter({ id, name: id.toUpperCase() }));

describe('Brokers that wait to be connected again', () => {
  let world: BrokerWorld;

  beforeEach(async () => {
    world = createBrokerWorld(await openMemory(), BROKERS);
    await addUser(world.database, 'asha');
  });
  afterEach(() => world.database.close());

  const connectAt = (broker: string, instant: string) => {
    world.clock.set(instant);
    return world.connect('asha', { broker, expiresAt: world.clock.now() + DAY_MS });
  };
  const end = (broker: string, reason: 'disconnected' | 'logged_out' | 'rejected') =>
    world.tokens.end({ kind: 'of_broker', userId: 'asha', broker }, { reason, now: world.clock.now() });
  const lost = async (at?: string) => {
    if (at !== undefined) world.clock.set(at);
    return (await createLostConnections(world)('asha')).map(({ id, why }) => `${id}: ${why}`);
  };

  it('are none that are connected, and none that never were', async () => {
    await connectAt('kite', '2026-11-20T09:15:00+05:30');
    expect(await lost('2026-11-21T02:59:59.999+05:30')).toEqual([]);
  });

  it('are those of yesterday from the instant of the cutoff on, swept or not', async () => {
    await connectAt('kite', '2026-11-20T09:15:00+05:30');
    expect(await lost('2026-11-21T03:00:00+05:30')).toEqual(['kite: Expired at the cutoff']);
    await end('kite', 'logged_out');
    expect(await lost()).toEqual(['kite: Ended when you logged out']);
  });

  it('are those of the last session, however long ago, within ten days', async () => {
    await connectAt('fyers', '2026-11-18T10:00:00+05:30');
    await connectAt('kite', '2026-11-20T03:00:00+05:30');
    await connectAt('upstox', '2026-11-21T02:59:00+05:30');
    const both = ['kite: Expired at the cutoff', 'upstox: Expired at the cutoff'];
    expect(await lost('2026-11-23T09:00:00+05:30')).toEqual(both);
    await connectAt('kite', '2026-11-23T09:01:00+05:30');
    expect(await lost()).toEqual(['upstox: Expired at the cutoff']);
    expect(await lost('2026-12-04T09:00:00+05:30')).toEqual([]);
  });

  it('are those of today that the broker has ended or rejected', async () => {
    const { expiresAt } = await connectAt('kite', '2026-11-20T09:15:00+05:30');
    await connectAt('upstox', '2026-11-20T09:20:00+05:30');
    await end('upstox', 'rejected');
    expect(await lost()).toEqual(['upstox: Rejected by the broker']);
    await world.database.db
      .updateTable('broker_tokens')
      .set({ expires_at: expiresAt - 20 * HOUR_MS })
      .execute();
    expect(await lost('2026-11-20T18:00:00+05:30')).toEqual([
      'kite: Ended by the broker at its own time limit',
      'upstox: Rejected by the broker',
    ]);
  });

  it('are none that the person disconnected, nor an older one that was connected since', async () => {
    await connectAt('kite', '2026-11-20T09:15:00+05:30');
    await end('kite', 'rejected');
    await connectAt('kite', '2026-11-20T09:16:00+05:30');
    expect(await lost()).toEqual([]);
    await end('kite', 'disconnected');
    expect(await lost()).toEqual([]);
  });

  it('are those of an earlier epoch', async () => {
    await connectAt('kite', '2026-11-20T09:15:00+05:30');
    await moveEpoch(world.database, 'asha');
    expect(await lost()).toEqual(['kite: Ended with your last session']);
  });

  it('are those of the last day where there is no cutoff', async () => {
    const calendar = createCutoffCalendar({ clock: world.clock, cutoffTime: () => 'off' });
    world = { ...world, calendar };
    await connectAt('kite', '2026-11-20T09:15:00+05:30');
    await end('kite', 'rejected');
    expect(await lost('2026-11-21T09:15:00+05:30')).toEqual(['kite: Rejected by the broker']);
    expect(await lost('2026-11-21T09:15:00.001+05:30')).toEqual([]);
  });
});
