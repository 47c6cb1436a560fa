import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createBrokerTokenTarget } from '../../src/broker/token-revocation.ts';
import { DAY_MS } from '../../src/core/duration.ts';
import type { Revocation, RevocationScope } from '../../src/core/revocation.ts';
import type { Database } from '../../src/storage/database.ts';
import { addUser, DATABASES, emptyTables } from '../support/databases.ts';
import { type BrokerWorld, createBrokerWorld } from './broker-world.ts';
import { createFakeAdapter } from './fake-adapter.ts';

describe.each(DATABASES)('Revoking broker tokens on %s', (_name, open) => {
  let database: Database;
  let world: BrokerWorld;
  let now: number;
  let woken: number;

  beforeAll(async () => {
    database = await open();
  });
  afterAll(() => database.close());
  beforeEach(async () => {
    await emptyTables(database);
    world = createBrokerWorld(database);
    now = world.clock.now();
    woken = 0;
    await addUser(database, 'asha');
    await addUser(database, 'ravi');
  });

  function revoke(scope: RevocationScope, reason: Revocation['reason'] = 'logged_out') {
    const wakeLogouts = () => {
      woken += 1;
    };
    const target = createBrokerTokenTarget({ ...world, wakeLogouts });
    return target.revoke({ id: 'order', scope, reason, orderedAt: now });
  }
  const begin = (userId: string, state: string, at: number) =>
    world.authorizations.begin(
      {
        state,
        sid: `session of ${userId}`,
        userId,
        broker: 'sandbox',
        codeVerifier: '-',
        returnTo: '/',
        held: false,
      },
      at,
    );
  const liveRows = async () =>
    (await world.tokenRows())
      .filter((row) => row.is_revoked === 0)
      .map((row) => `${row.user_id} ${row.broker}`);

  it('keeps everything when only one of several devices ends', async () => {
    await world.connect('asha');
    expect(await revoke({ kind: 'device', userId: 'asha', sids: ['a'] })).toEqual({
      count: 0,
      detail: 'kept: shared with other devices',
    });
    expect(await liveRows()).toEqual(['asha sandbox']);
  });

  it('ends the tokens of an account, says which, and has the brokers told', async () => {
    const { id, accessToken } = await world.connect('asha');
    await world.connect('asha', { broker: 'kite', feedToken: undefined });
    await world.connect('ravi');
    expect(await revoke({ kind: 'account', userId: 'asha', throughEpoch: 0 }, 'password_changed')).toEqual({
      count: 2,
      detail: 'kite access token, sandbox access and feed token',
    });
    expect(await liveRows()).toEqual(['ravi sandbox']);
    expect((await world.tokenRows()).find((row) => row.id === id)).toMatchObject({
      is_revoked: 1,
      revoked_at: now,
      revoke_reason: 'password_changed',
      access_token: null,
      feed_token: null,
    });
    expect((await world.logoutRows()).find((row) => row.id === id)?.access_token).toBe(accessToken);
    expect(woken).toBe(1);
  });

  it('lets nobody believe that a broker is told which takes no logout', async () => {
    const { revoke: _none, ...silent } = createFakeAdapter({ id: 'silent' });
    world = createBrokerWorld(database, [createFakeAdapter(), silent]);
    await world.connect('asha');
    await world.connect('asha', { broker: 'silent', feedToken: undefined });
    const { detail } = await revoke({ kind: 'account', userId: 'asha', throughEpoch: 0 });
    expect(detail).toBe(
      'sandbox access and feed token, silent access token (the broker takes no sign-out and ends it at its own limit)',
    );
    // One that the broker has ended already is no more alive there than here.
    await world.connect('asha', { broker: 'silent', feedToken: undefined, expiresAt: now });
    expect(await revoke({ kind: 'account', userId: 'asha', throughEpoch: 0 })).toMatchObject({
      detail: 'silent access token',
    });
  });

  it('carried out late, does not touch what began in a later epoch', async () => {
    await world.connect('asha', { broker: 'old', epoch: 1 });
    await world.connect('asha', { broker: 'new', epoch: 2 });
    expect(await revoke({ kind: 'account', userId: 'asha', throughEpoch: 1 })).toMatchObject({ count: 1 });
    expect(await liveRows()).toEqual(['asha new']);
  });

  it('ends what a stale device left behind, and not the token of a device that signed in after it', async () => {
    const cutoff = now;
    await world.connect('asha', { broker: 'yesterdays', issuedAt: cutoff - 1 });
    await world.connect('asha', { broker: 'todays', issuedAt: cutoff });
    await world.connect('ravi', { issuedAt: cutoff - 1 });
    const outcome = await revoke({ kind: 'stale', userId: 'asha', before: cutoff }, 'cutoff');
    expect(outcome).toEqual({ count: 1, detail: 'yesterdays access and feed token' });
    expect((await liveRows()).sort()).toEqual(['asha todays', 'ravi sandbox']);
  });

  it("sweeps everybody's tokens from before the cutoff", async () => {
    await world.connect('asha', { issuedAt: now - 1 });
    await world.connect('ravi', { issuedAt: now - 1 });
    await world.connect('ravi', { broker: 'fresh', issuedAt: now });
    expect(await revoke({ kind: 'sweep', before: now }, 'cutoff')).toEqual({
      count: 2,
      detail: '2 × sandbox access and feed token',
    });
    expect(await liveRows()).toEqual(['ravi fresh']);
  });

  it('ends nothing the second time', async () => {
    await world.connect('asha');
    const scope = { kind: 'account', userId: 'asha', throughEpoch: 0 } as const;
    await revoke(scope);
    expect(await revoke(scope)).toEqual({ count: 0, detail: 'no broker was connected' });
    expect(await world.logoutRows()).toHaveLength(1);
  });

  it('wakes nobody for tokens that the broker has ended by itself', async () => {
    await world.connect('asha', { expiresAt: now });
    expect(await revoke({ kind: 'account', userId: 'asha', throughEpoch: 0 })).toMatchObject({ count: 1 });
    expect(await world.logoutRows()).toEqual([]);
    expect(woken).toBe(0);
  });

  it('forgets the authorizations that are on their way', async () => {
    await begin('asha', 'hers', now);
    await begin('ravi', 'his', now);
    await revoke({ kind: 'account', userId: 'asha', throughEpoch: 0 });
    expect(await world.authorizations.take('hers')).toBeUndefined();
    expect(await world.authorizations.take('his')).toBeDefined();
  });

  it('forgets at the cutoff those that were begun before it', async () => {
    await begin('asha', 'before', now - 1);
    await begin('asha', 'at', now);
    await begin('ravi', 'his', now - 1);
    await revoke({ kind: 'stale', userId: 'asha', before: now }, 'cutoff');
    expect(await world.authorizations.take('before')).toBeUndefined();
    expect(await world.authorizations.take('at')).toBeDefined();
    await revoke({ kind: 'sweep', before: now }, 'cutoff');
    expect(await world.authorizations.take('his')).toBeUndefined();
  });

  it('sweeps more than one batch, and lets others have a turn in between', async () => {
    const rows = Array.from({ length: 1200 }, (_, index) => ({
      id: `many-${index}`,
      user_id: 'asha',
      broker: `b${index}`,
      access_token: 'ciphertext',
      feed_token: null,
      epoch: 0,
      issued_at: now - 1,
      expires_at: now + DAY_MS,
      is_revoked: 0 as const,
      revoked_at: null,
      revoke_reason: null,
    }));
    await database.db.insertInto('broker_tokens').values(rows).execute();
    let turns = 0;
    const count = () => {
      turns += 1;
      timer = setImmediate(count);
    };
    let timer = setImmediate(count);
    expect(await revoke({ kind: 'sweep', before: now }, 'cutoff')).toMatchObject({ count: 1200 });
    clearImmediate(timer);
    expect(turns).toBeGreaterThanOrEqual(2);
    expect(await liveRows()).toEqual([]);
    expect(await world.logoutRows()).toHaveLength(1200);
  });
});
