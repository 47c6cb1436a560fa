import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type BrokerAdapter, createBrokerAdapters } from '../../src/broker/broker-adapter.ts';
import { createBrokerOverview } from '../../src/broker/broker-overview.ts';
import { createCutoffCalendar } from '../../src/core/cutoff.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/core/duration.ts';
import { addUser, moveEpoch, openMemory } from '../support/databases.ts';
import { type BrokerWorld, createBrokerWorld, MORNING } from './broker-world.ts';
import { createFakeAdapter } from './fake-adapter.ts';

const adapters = createBrokerAdapters(
  ['sandbox', 'kite'].map((id) =>
    createFakeAdapter({ id, name: id.toUpperCase(), description: `The ${id}` }),
  ),
);

describe('The overview of brokers', () => {
  let world: BrokerWorld;

  beforeEach(async () => {
    world = createBrokerWorld(await openMemory());
    await addUser(world.database, 'asha');
  });
  afterEach(() => world.database.close());

  async function sandbox() {
    const [view] = await createBrokerOverview({ ...world, adapters }).of('asha');
    return view;
  }

  it('lists every broker in order, connected or not', async () => {
    await world.connect('asha', { broker: 'kite' });
    const views = await createBrokerOverview({ ...world, adapters }).of('asha');
    expect(views).toMatchObject([
      { id: 'sandbox', name: 'SANDBOX', description: 'The sandbox', state: 'disconnected' },
      { id: 'kite', state: 'connected' },
    ]);
    expect(views[0]).toMatchObject({ stateText: 'Not connected' });
  });

  it('is connected until the cutoff', async () => {
    await world.connect('asha', { expiresAt: world.clock.now() + 100 * HOUR_MS });
    expect(await sandbox()).toEqual({
      id: 'sandbox',
      name: 'SANDBOX',
      description: 'The sandbox',
      credentials: 'none_needed',
      held: false,
      holdUntil: 'until the cutoff',
      checkable: false,
      connected: true,
      state: 'connected',
      stateText: 'Connected until',
      connectedAt: Date.parse(MORNING),
      endsAt: Date.parse('2026-11-21T03:00:00+05:30'),
    });
  });

  it("is connected until the broker's own limit where that is earlier", async () => {
    await world.connect('asha', { expiresAt: world.clock.now() + HOUR_MS });
    expect(await sandbox()).toMatchObject({ endsAt: Date.parse(MORNING) + HOUR_MS });
    world.clock.advance(HOUR_MS);
    expect(await sandbox()).toMatchObject({ state: 'expired', stateText: expect.stringContaining('limit') });
  });

  it('has expired at the instant of the cutoff, with or without a sweep', async () => {
    const { id } = await world.connect('asha', { expiresAt: world.clock.now() + 100 * HOUR_MS });
    world.clock.set('2026-11-21T02:59:59.999+05:30');
    expect(await sandbox()).toMatchObject({ connected: true });
    world.clock.set('2026-11-21T03:00:00+05:30');
    expect(await sandbox()).toMatchObject({ state: 'expired', stateText: expect.stringContaining('cutoff') });
    await world.tokens.end({ kind: 'one', id }, { reason: 'cutoff', now: world.clock.now() });
    expect(await sandbox()).toMatchObject({ state: 'expired', stateText: expect.stringContaining('cutoff') });
  });

  it('says in words why it is not connected any more', async () => {
    await world.connect('asha');
    await world.tokens.end(
      { kind: 'of_broker', userId: 'asha', broker: 'sandbox' },
      { reason: 'password_changed', now: world.clock.now() },
    );
    expect(await sandbox()).toMatchObject({
      state: 'disconnected',
      stateText: 'Ended when your password changed',
    });
  });

  it('forgets after ten days why it is not connected', async () => {
    const { id } = await world.connect('asha');
    await world.tokens.end({ kind: 'one', id }, { reason: 'rejected', now: world.clock.now() });
    world.clock.advance(10 * DAY_MS);
    expect(await sandbox()).toMatchObject({ state: 'rejected' });
    world.clock.advance(1);
    expect(await sandbox()).toMatchObject({ state: 'disconnected', stateText: 'Not connected' });
  });

  it('is not connected any more with an epoch that is over', async () => {
    await world.connect('asha');
    await moveEpoch(world.database, 'asha');
    expect(await sandbox()).toMatchObject({ state: 'disconnected' });
  });

  it('ends soon in its last fifteen minutes', async () => {
    await world.connect('asha', { expiresAt: world.clock.now() + HOUR_MS });
    world.clock.advance(HOUR_MS - 15 * MINUTE_MS - 1);
    expect(await sandbox()).toMatchObject({ state: 'connected' });
    world.clock.advance(1);
    expect(await sandbox()).toMatchObject({
      state: 'expiring',
      connected: true,
      stateText: 'Ends soon: connected until',
    });
  });

  it('lasts until the cutoff where it is refreshed, unless the broker does not answer', async () => {
    await world.connect('asha', { refreshToken: 'ciphertext', expiresAt: world.clock.now() + HOUR_MS });
    expect(await sandbox()).toMatchObject({ endsAt: Date.parse('2026-11-21T03:00:00+05:30') });
    await world.database.db.updateTable('broker_tokens').set({ refresh_failures: 1 }).execute();
    expect(await sandbox()).toMatchObject({ endsAt: world.clock.now() + HOUR_MS });
  });

  it('names no end where it is refreshed and there is no cutoff', async () => {
    await world.connect('asha', { refreshToken: 'ciphertext', expiresAt: world.clock.now() + HOUR_MS });
    const calendar = createCutoffCalendar({ clock: world.clock, cutoffTime: () => 'off' });
    const [view] = await createBrokerOverview({ ...world, calendar, adapters }).of('asha');
    expect(view).toMatchObject({ state: 'connected', stateText: 'Connected, and renewed without you' });
    expect(view).not.toHaveProperty('endsAt');
  });

  it('says how long a token lives on at a broker that takes no logout', async () => {
    const { revoke: _none, ...silent } = createFakeAdapter();
    const expiresAt = world.clock.now() + HOUR_MS;
    const { id } = await world.connect('asha', { expiresAt });
    const look = async (adapter: BrokerAdapter) => {
      const [view] = await createBrokerOverview({
        ...world,
        adapters: createBrokerAdapters([adapter]),
      }).of('asha');
      return view?.livesThereUntil;
    };
    expect(await look(silent)).toBeUndefined();
    await world.tokens.end({ kind: 'one', id }, { reason: 'disconnected', now: world.clock.now() });
    expect(await look(silent)).toBe(expiresAt);
    expect(await look(createFakeAdapter())).toBeUndefined();
    world.clock.set(expiresAt);
    expect(await look(silent)).toBeUndefined();
  });

  it.each(['rejected', 'refused_by_broker'] as const)('is rejected after %s', async (reason) => {
    const { id } = await world.connect('asha');
    await world.tokens.end({ kind: 'one', id }, { reason, now: world.clock.now() });
    expect(await sandbox()).toMatchObject({
      state: 'rejected',
      connected: false,
      stateText: expect.stringMatching(/broker.*Connect again/),
    });
  });
});
