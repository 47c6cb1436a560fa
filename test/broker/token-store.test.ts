import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { versionOf } from '../../src/broker/connection.ts';
import { END_BATCH } from '../../src/broker/connection-ending-store.ts';
import { DAY_MS, HOUR_MS } from '../../src/core/duration.ts';
import type { Database } from '../../src/storage/database.ts';
import { addUser, DATABASES, emptyTables, moveEpoch } from '../support/databases.ts';
import { type BrokerWorld, createBrokerWorld } from './broker-world.ts';

describe.each(DATABASES)('The token store on %s', (_name, open) => {
  let database: Database;
  let world: BrokerWorld;
  let now: number;

  beforeAll(async () => {
    database = await open();
  });
  afterAll(() => database.close());
  beforeEach(async () => {
    await emptyTables(database);
    world = createBrokerWorld(database);
    now = world.clock.now();
    await addUser(world.database, 'asha');
    await addUser(world.database, 'ravi');
  });

  it('finds what was stored', async () => {
    const stored = await world.connect('asha');
    expect(await world.tokens.findLatest('asha', 'sandbox')).toEqual({
      ...stored,
      refreshFailures: 0,
      ended: undefined,
    });
    expect(await world.tokens.findLatest('asha', 'kite')).toBeUndefined();
    expect(await world.tokens.findLatest('ravi', 'sandbox')).toBeUndefined();
  });

  it('keeps a connection without a feed token', async () => {
    await world.connect('asha', { feedToken: undefined });
    expect((await world.tokens.findLatest('asha', 'sandbox'))?.feedToken).toBeUndefined();
  });

  it('puts a new connection in the place of the old one, and queues that one for logout', async () => {
    const old = await world.connect('asha');
    world.clock.advance(HOUR_MS);
    const fresh = await world.connect('asha');
    expect((await world.tokens.findLatest('asha', 'sandbox'))?.id).toBe(fresh.id);
    const [row] = await world.tokenRows();
    expect(row).toMatchObject({
      id: old.id,
      is_revoked: 1,
      revoked_at: now + HOUR_MS,
      revoke_reason: 'replaced',
      access_token: null,
      feed_token: null,
    });
    expect(await world.logoutRows()).toMatchObject([
      { id: old.id, access_token: old.accessToken, status: 'open', attempts: 0 },
    ]);
  });

  it('leaves other brokers and other people alone when it replaces', async () => {
    await world.connect('ravi');
    await world.connect('asha', { broker: 'kite' });
    await world.connect('asha');
    expect((await world.tokenRows()).map((row) => row.is_revoked)).toEqual([0, 0, 0]);
  });

  it('lets a token live that the broker hands out a second time', async () => {
    await world.connect('asha', { tokenDigest: 'the same' });
    await world.connect('asha', { tokenDigest: 'the same' });
    expect((await world.tokenRows()).map((row) => row.is_revoked).sort()).toEqual([0, 1]);
    expect(await world.logoutRows()).toEqual([]);
    expect(await world.tokens.isTokenInUse('sandbox', 'the same')).toBe(true);
    expect(await world.tokens.isTokenInUse('kite', 'the same')).toBe(false);
  });

  it('ends by token, and no other one', async () => {
    const which = {
      kind: 'token',
      userId: 'asha',
      broker: 'sandbox',
      tokenDigest: 'mine',
      since: 0,
    } as const;
    await world.connect('asha', { tokenDigest: 'another' });
    await world.connect('ravi', { tokenDigest: 'mine' });
    expect(await world.tokens.end(which, { reason: 'rejected', now })).toEqual([]);
    await world.connect('asha', { tokenDigest: 'mine' });
    expect(await world.tokens.end(which, { reason: 'rejected', now })).toHaveLength(1);
    expect(await world.tokens.isTokenInUse('sandbox', 'mine')).toBe(true);
  });

  describe('says in one query where a person stands:', () => {
    const standing = (userId = 'asha', broker = 'sandbox') => world.tokens.standing(userId, broker);

    it('nowhere, before they have connected anything', async () => {
      expect(await standing()).toEqual({ epoch: 0, live: undefined });
      await world.connect('asha');
      expect(await standing('asha', 'kite')).toEqual({ epoch: 0, live: undefined });
      expect(await standing('ravi')).toEqual({ epoch: 0, live: undefined });
    });

    it('with the connection that nobody has ended, and the token that it has now', async () => {
      await world.connect('asha');
      const { id, tokenDigest } = await world.connect('asha');
      expect(await standing()).toEqual({ epoch: 0, live: versionOf({ id, tokenDigest }) });
      await database.db.updateTable('broker_tokens').set({ token_digest: 'refreshed' }).execute();
      expect(await standing()).toEqual({ epoch: 0, live: versionOf({ id, tokenDigest: 'refreshed' }) });
      await database.db.updateTable('broker_tokens').set({ token_digest: null }).execute();
      expect(await standing()).toEqual({ epoch: 0, live: versionOf({ id, tokenDigest: undefined }) });
    });

    it('without it once somebody has ended it, and in a later epoch', async () => {
      const connection = await world.connect('asha');
      await moveEpoch(world.database, 'asha');
      expect(await standing()).toEqual({ epoch: 1, live: versionOf(connection) });
      const { id } = connection;
      await world.tokens.end({ kind: 'one', id }, { reason: 'disconnected', now });
      expect(await standing()).toEqual({ epoch: 1, live: undefined });
    });
  });

  it('counts what is alive by its times, by broker', async () => {
    const lastCutoff = now - HOUR_MS;
    await world.connect('asha', { broker: 'a', issuedAt: lastCutoff });
    await world.connect('ravi', { broker: 'a' });
    await world.connect('asha', { broker: 'old', issuedAt: lastCutoff - 1 });
    await world.connect('asha', { broker: 'over', expiresAt: now });
    await world.connect('ravi', { broker: 'ended' });
    await world.tokens.end(
      { kind: 'of_broker', userId: 'ravi', broker: 'ended' },
      { reason: 'disconnected', now },
    );
    expect(await world.tokens.countAlive({ now, lastCutoff })).toEqual(new Map([['a', 2]]));
    expect(await world.tokens.countAlive({ now, lastCutoff: Number.NEGATIVE_INFINITY })).toEqual(
      new Map([
        ['a', 2],
        ['old', 1],
      ]),
    );
  });

  it('wipes the refresh token, too', async () => {
    const { id } = await world.connect('asha', { refreshToken: 'ciphertext' });
    await world.tokens.end({ kind: 'one', id }, { reason: 'cutoff', now });
    expect(await world.tokenRows()).toMatchObject([{ refresh_token: null, refresh_at: null }]);
  });

  it('has one live connection when two are stored at the same moment', async () => {
    await Promise.all([1, 2, 3, 4].map(() => world.connect('asha')));
    const rows = await world.tokenRows();
    expect(rows).toHaveLength(4);
    expect(rows.filter((row) => row.is_revoked === 0)).toHaveLength(1);
    expect(await world.logoutRows()).toHaveLength(3);
  });

  it('shows the connection that nobody ended, even where the clock has gone back since the last one', async () => {
    await world.connect('asha');
    world.clock.advance(-HOUR_MS);
    const fresh = await world.connect('asha');
    expect((await world.tokens.findLatest('asha', 'sandbox'))?.id).toBe(fresh.id);
  });

  it('tells why the last one ended when none is left', async () => {
    await world.connect('asha');
    await world.tokens.end(
      { kind: 'of_broker', userId: 'asha', broker: 'sandbox' },
      { reason: 'logged_out', now },
    );
    expect((await world.tokens.findLatest('asha', 'sandbox'))?.ended).toEqual({
      at: now,
      reason: 'logged_out',
    });
  });

  it('lists what a person has connected since an instant, the newest first, with their epoch', async () => {
    const older = await world.connect('asha', { broker: 'a', issuedAt: now - DAY_MS });
    const at = await world.connect('asha', { broker: 'b', issuedAt: now - HOUR_MS });
    const newer = await world.connect('asha', { broker: 'c', issuedAt: now });
    await world.connect('ravi');
    await world.tokens.end({ kind: 'issued_before', before: now + 1 }, { reason: 'cutoff', now });
    const listed = await world.tokens.listRecent('asha', now - HOUR_MS);
    expect(listed.map(({ id }) => id)).toEqual([newer.id, at.id]);
    expect(listed).toMatchObject([{ userEpoch: 0, ended: { reason: 'cutoff' } }, { broker: 'b' }]);
    await moveEpoch(database, 'asha');
    const all = await world.tokens.listRecent('asha', 0);
    expect(all.map(({ id }) => id)).toEqual([newer.id, at.id, older.id]);
    expect(all.map(({ epoch, userEpoch }) => [epoch, userEpoch])).toEqual([
      [0, 1],
      [0, 1],
      [0, 1],
    ]);
    expect(await world.tokens.listRecent('nobody', 0)).toEqual([]);
  });

  it('lists what nobody has ended first, however old it is', async () => {
    const open = await world.connect('asha', { broker: 'a', issuedAt: now - 100 * DAY_MS });
    const ended = await world.connect('asha', { broker: 'b' });
    await world.tokens.end({ kind: 'one', id: ended.id }, { reason: 'disconnected', now });
    const listed = await world.tokens.listRecent('asha', now - DAY_MS);
    expect(listed.map(({ id }) => id)).toEqual([open.id, ended.id]);
    expect(listed[0]).toEqual({ ...open, refreshFailures: 0, ended: undefined, userEpoch: 0 });
  });

  it('calls a reason of a later version just ended', async () => {
    const { id } = await world.connect('asha');
    await world.tokens.end({ kind: 'one', id }, { reason: 'idle', now });
    await world.database.db.updateTable('broker_tokens').set({ revoke_reason: 'eclipse' }).execute();
    expect((await world.tokens.findLatest('asha', 'sandbox'))?.ended?.reason).toBe('ended');
  });

  it('has the broker told of a login that only its access token has outlived', async () => {
    const { id } = await world.connect('asha', { refreshToken: 'ciphertext', expiresAt: now });
    const [ended] = await world.tokens.end({ kind: 'one', id }, { reason: 'cutoff', now });
    expect(ended).toMatchObject({ logoutQueued: true });
    expect(await world.logoutRows()).toHaveLength(1);
  });

  it('marks, wipes and queues in one go, and says what it was', async () => {
    const stored = await world.connect('asha');
    const ended = await world.tokens.end({ kind: 'one', id: stored.id }, { reason: 'cutoff', now });
    expect(ended).toEqual([{ userId: 'asha', broker: 'sandbox', hadFeedToken: true, logoutQueued: true }]);
    expect(await world.tokenRows()).toMatchObject([{ is_revoked: 1, access_token: null, feed_token: null }]);
  });

  it('does nothing the second time', async () => {
    const { id } = await world.connect('asha');
    await world.tokens.end({ kind: 'one', id }, { reason: 'cutoff', now });
    expect(await world.tokens.end({ kind: 'one', id }, { reason: 'idle', now: now + 1 })).toEqual([]);
    expect(await world.tokenRows()).toMatchObject([{ revoked_at: now, revoke_reason: 'cutoff' }]);
    expect(await world.logoutRows()).toHaveLength(1);
  });

  it('ends each connection once when several end it at the same moment', async () => {
    await world.connect('asha');
    const which = { kind: 'of_broker', userId: 'asha', broker: 'sandbox' } as const;
    const results = await Promise.all(
      [1, 2, 3, 4].map(() => world.tokens.end(which, { reason: 'logged_out', now })),
    );
    expect(results.flat()).toHaveLength(1);
    expect(await world.logoutRows()).toHaveLength(1);
  });

  it('queues no logout for a token that the broker has ended by itself', async () => {
    const { id } = await world.connect('asha', { expiresAt: now + HOUR_MS });
    const ended = await world.tokens.end({ kind: 'one', id }, { reason: 'cutoff', now: now + HOUR_MS });
    expect(ended).toMatchObject([{ logoutQueued: false }]);
    expect(await world.logoutRows()).toEqual([]);
  });

  it('ends through an epoch, and nothing of a later one', async () => {
    await world.connect('asha', { broker: 'a', epoch: 0 });
    await world.connect('asha', { broker: 'b', epoch: 1 });
    await world.connect('asha', { broker: 'c', epoch: 2 });
    await world.connect('ravi', { broker: 'a', epoch: 0 });
    const which = { kind: 'through_epoch', userId: 'asha', epoch: 1 } as const;
    const ended = await world.tokens.end(which, { reason: 'logged_out', now });
    expect(ended.map((each) => each.broker).sort()).toEqual(['a', 'b']);
  });

  it('ends what was issued before an instant, and not what was issued at it', async () => {
    const issuedAt = now - DAY_MS;
    await world.connect('asha', { broker: 'before', issuedAt: issuedAt - 1 });
    await world.connect('asha', { broker: 'at', issuedAt });
    await world.connect('ravi', { broker: 'before', issuedAt: issuedAt - 1 });
    const hers = { kind: 'issued_before', before: issuedAt, userId: 'asha' } as const;
    const everyones = { kind: 'issued_before', before: issuedAt } as const;
    expect(await world.tokens.end(hers, { reason: 'cutoff', now })).toMatchObject([
      { userId: 'asha', broker: 'before' },
    ]);
    expect(await world.tokens.end(everyones, { reason: 'cutoff', now })).toMatchObject([
      { userId: 'ravi', broker: 'before' },
    ]);
  });

  it('ends a batch at a time', async () => {
    await insertMany(world, END_BATCH + 20);
    const which = { kind: 'issued_before', before: now + 1 } as const;
    const end = () => world.tokens.end(which, { reason: 'cutoff', now });
    expect(await end()).toHaveLength(END_BATCH);
    expect(await end()).toHaveLength(20);
    expect(await end()).toEqual([]);
    expect(await world.logoutRows()).toHaveLength(END_BATCH + 20);
  });
});

async function insertMany({ database, clock }: BrokerWorld, count: number): Promise<void> {
  const rows = Array.from({ length: count }, (_, index) => ({
    id: `many-${index}`,
    user_id: 'asha',
    broker: `broker-${index}`,
    access_token: 'ciphertext',
    feed_token: null,
    epoch: 0,
    issued_at: clock.now(),
    expires_at: clock.now() + DAY_MS,
    is_revoked: 0 as const,
    revoked_at: null,
    revoke_reason: null,
  }));
  await database.db.insertInto('broker_tokens').values(rows).execute();
}
