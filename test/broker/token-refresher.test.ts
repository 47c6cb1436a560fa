import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BrokerGrant, BrokerProblem, RefreshRequest } from '../../src/broker/broker-adapter.ts';
import { createTokenRefresher } from '../../src/broker/token-refresher.ts';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../src/core/duration.ts';
import type { Database } from '../../src/storage/database.ts';
import { addUser, DATABASES, emptyTables, moveEpoch } from '../support/databases.ts';
import { type BrokerWorld, createBrokerWorld } from './broker-world.ts';
import { createFakeAdapter } from './fake-adapter.ts';

describe.each(DATABASES)('Refreshing tokens on %s', (_name, open) => {
  let database: Database;
  let world: BrokerWorld;
  let asked: RefreshRequest[];
  let answer: () => Promise<BrokerGrant | BrokerProblem>;
  let forgotten: number;
  let woken: number;

  beforeAll(async () => {
    database = await open();
  });
  afterAll(() => database.close());
  beforeEach(async () => {
    await emptyTables(database);
    asked = [];
    forgotten = 0;
    woken = 0;
    const adapter = createFakeAdapter({
      refresh(request) {
        asked.push(request);
        return answer();
      },
    });
    world = createBrokerWorld(database, [adapter]);
    answer = async () => grant();
    await addUser(database, 'asha');
  });

  const grant = (changes: Partial<BrokerGrant> = {}): BrokerGrant => ({
    kind: 'granted',
    accessToken: `fresh access ${asked.length}`,
    expiresAt: world.clock.now() + HOUR_MS,
    ...changes,
  });
  const createNode = (callTimeoutMs = 20_000) =>
    createTokenRefresher({
      ...world,
      invalidateTokens: async () => {
        forgotten += 1;
        world.caches.clearUser('asha');
      },
      wakeLogouts: () => {
        woken += 1;
      },
      callTimeoutMs,
    });
  /** A connection for an hour that can be refreshed. */
  const connect = () =>
    world.connect('asha', {
      refreshToken: world.cipher.forBroker('sandbox').encrypt('the refresh token'),
      expiresAt: world.clock.now() + HOUR_MS,
    });
  const run = (callTimeoutMs?: number) => createNode(callTimeoutMs).drain();
  const read = () => world.reader.accessToken('asha', 'sandbox');
  const nothing = { refreshed: 0, postponed: 0, ended: 0, late: 0 };

  it('asks five minutes before the end, and not before', async () => {
    await connect();
    world.clock.advance(55 * MINUTE_MS - 1);
    expect(await run()).toEqual(nothing);
    world.clock.advance(1);
    expect(await run()).toEqual({ ...nothing, refreshed: 1 });
    expect(asked).toEqual([{ credentials: {}, refreshToken: 'the refresh token' }]);
  });

  it('goes on with the new token, a warm cache notwithstanding, under the old day', async () => {
    const { issuedAt } = await connect();
    await read();
    world.clock.advance(55 * MINUTE_MS);
    answer = async () => grant({ feedToken: 'fresh feed', refreshToken: 'the next refresh token' });
    await run();
    expect(forgotten).toBe(1);
    expect(await read()).toMatchObject({ kind: 'token', token: 'fresh access 1', issuedAt });
    expect(await world.reader.feedToken('asha', 'sandbox')).toMatchObject({ token: 'fresh feed' });
    const rows = JSON.stringify(await world.tokenRows());
    for (const secret of ['fresh access', 'fresh feed', 'the next refresh token'])
      expect(rows).not.toContain(secret);
    world.clock.advance(HOUR_MS);
    await run();
    expect(asked[1]?.refreshToken).toBe('the next refresh token');
    expect(world.audit.events[0]).toEqual({
      type: 'broker.token_refreshed',
      userId: 'asha',
      broker: 'sandbox',
    });
  });

  it('keeps the feed and the refresh token where the broker gives no new ones', async () => {
    await connect();
    world.clock.advance(55 * MINUTE_MS);
    await run();
    expect(await world.reader.feedToken('asha', 'sandbox')).toMatchObject({ token: 'feed of asha' });
    world.clock.advance(HOUR_MS);
    await run();
    expect(asked[1]?.refreshToken).toBe('the refresh token');
  });

  it('asks once when several nodes run at the same moment', async () => {
    await connect();
    world.clock.advance(55 * MINUTE_MS);
    await Promise.all([run(), run(), run(), run()]);
    expect(asked).toHaveLength(1);
  });

  it('leaves alone what another node claims in this very moment', async () => {
    await connect();
    world.clock.advance(55 * MINUTE_MS);
    let count = Promise.resolve<unknown>(undefined);
    await database.db.transaction().execute(async (trx) => {
      await trx
        .updateTable('broker_tokens')
        .set({ refresh_at: world.clock.now() + MINUTE_MS })
        .execute();
      count = run();
      await sleep(100);
    });
    expect(await count).toEqual(nothing);
    expect(asked).toEqual([]);
  });

  it('leaves alone what has no refresh token, and what lasts until the cutoff anyway', async () => {
    await world.connect('asha', { expiresAt: world.clock.now() + HOUR_MS });
    await addUser(database, 'ravi');
    await world.connect('ravi', {
      refreshToken: 'ciphertext',
      expiresAt: Date.parse('2026-11-21T03:00:00+05:30'),
    });
    world.clock.set('2026-11-21T02:59:00+05:30');
    expect(await run()).toEqual(nothing);
    expect(asked).toEqual([]);
  });

  it('never carries a token past the cutoff', async () => {
    world.clock.set('2026-11-21T01:59:00+05:30');
    await connect();
    world.clock.set('2026-11-21T02:58:00+05:30');
    expect(await run()).toMatchObject({ refreshed: 1 });
    world.clock.set('2026-11-21T03:00:00+05:30');
    expect(await read()).toEqual({ kind: 'reauth_required', why: 'cutoff' });
    expect(await run()).toEqual(nothing);
    expect(asked).toHaveLength(1);
  });

  it.each([
    ['the cutoff came', () => world.clock.set('2026-11-21T03:00:00+05:30')],
    ['everything of the person ended', () => moveEpoch(database, 'asha')],
    [
      'they disconnected',
      () =>
        world.tokens.end(
          { kind: 'of_broker', userId: 'asha', broker: 'sandbox' },
          { reason: 'disconnected', now: world.clock.now() },
        ),
    ],
  ])('gives the new token back to the broker when, while it was asked, %s', async (_what, happen) => {
    await connect();
    world.clock.advance(55 * MINUTE_MS);
    answer = async () => {
      await happen();
      return grant({ expiresAt: world.clock.now() + 10 * HOUR_MS });
    };
    expect(await run()).toMatchObject({ late: 1 });
    expect(woken).toBe(1);
    expect(await read()).toMatchObject({ kind: 'reauth_required' });
    const logouts = await world.logoutRows();
    const told = logouts.map((row) => world.cipher.forBroker('sandbox').decrypt(row.access_token ?? ''));
    expect(told).toContainEqual({ kind: 'ok', text: 'fresh access 1' });
  });

  it('asks nothing for a person whose everything has ended', async () => {
    await connect();
    await moveEpoch(database, 'asha');
    world.clock.advance(55 * MINUTE_MS);
    expect(await run()).toMatchObject({ postponed: 1 });
    expect(asked).toEqual([]);
  });

  it('ends the connection when the broker refuses for good', async () => {
    await connect();
    world.clock.advance(55 * MINUTE_MS);
    answer = async () => ({ kind: 'refused', why: 'invalid_grant' });
    expect(await run()).toEqual({ ...nothing, ended: 1 });
    expect(await read()).toEqual({ kind: 'reauth_required', why: 'refused_by_broker' });
    expect(await world.tokenRows()).toMatchObject([
      { revoke_reason: 'refused_by_broker', refresh_token: null, refresh_at: null },
    ]);
    expect(world.audit.events).toEqual([
      { type: 'broker.refresh_refused', userId: 'asha', broker: 'sandbox', why: 'invalid_grant' },
    ]);
  });

  it('does not end what another node has refreshed meanwhile', async () => {
    await connect();
    world.clock.advance(55 * MINUTE_MS);
    answer = async () => {
      world.clock.advance(MINUTE_MS);
      answer = async () => grant();
      expect(await run()).toMatchObject({ refreshed: 1 });
      return { kind: 'refused', why: 'invalid_grant' };
    };
    expect(await run()).toMatchObject({ late: 1, ended: 0 });
    expect(await read()).toMatchObject({ kind: 'token', token: 'fresh access 2' });
  });

  it.each([
    ['does not answer', async (): Promise<BrokerProblem> => ({ kind: 'unreachable', why: 'network' })],
    ['hangs', () => new Promise<BrokerProblem>(() => undefined)],
    ['throws', () => Promise.reject(new Error('with the refresh token'))],
  ])('keeps the connection when the broker %s, and tries again later and later', async (_what, problem) => {
    await connect();
    world.clock.advance(55 * MINUTE_MS);
    answer = problem;
    const waits: number[] = [];
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      expect(await run(50)).toEqual({ ...nothing, postponed: 1 });
      const [row] = await world.tokenRows();
      const wait = (row?.refresh_at ?? 0) - world.clock.now();
      waits.push(wait / SECOND_MS);
      world.clock.advance(wait - 1);
      expect(await run()).toEqual(nothing);
      world.clock.advance(1);
    }
    expect(waits).toEqual([15, 30, 60]);
    expect(await read()).toMatchObject({ kind: 'token', token: 'access of asha' });
    expect(world.log.lines.join()).not.toContain('the refresh token');
    answer = async () => grant();
    expect(await run()).toMatchObject({ refreshed: 1 });
    expect(await world.tokenRows()).toMatchObject([{ refresh_failures: 0 }]);
  });

  it('brings a connection back that ran out while the broker did not answer', async () => {
    await connect();
    world.clock.advance(2 * HOUR_MS);
    expect(await read()).toEqual({ kind: 'reauth_required', why: 'expired_at_broker' });
    expect(await run()).toMatchObject({ refreshed: 1 });
    expect(await read()).toMatchObject({ kind: 'token' });
  });

  it('ends what it cannot read, with an audit entry', async () => {
    await connect();
    await database.db.updateTable('broker_tokens').set({ refresh_token: 'gAAAAAchanged' }).execute();
    world.clock.advance(55 * MINUTE_MS);
    expect(await run()).toMatchObject({ ended: 1 });
    expect(asked).toEqual([]);
    expect(world.audit.events).toMatchObject([{ type: 'broker.token_unreadable' }]);
  });
});
