import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { secretDigest } from '../../src/broker/secret-digest.ts';
import { createTokenInvalidator } from '../../src/broker/token-invalidator.ts';
import { createTokenReader } from '../../src/broker/token-reader.ts';
import type { TokenStore } from '../../src/broker/token-store.ts';
import { HOUR_MS } from '../../src/core/duration.ts';
import { addUser, moveEpoch, openMemory } from '../support/databases.ts';
import { type BrokerWorld, createBrokerWorld } from './broker-world.ts';

describe('The token reader', () => {
  let world: BrokerWorld;

  beforeEach(async () => {
    world = createBrokerWorld(await openMemory());
    await addUser(world.database, 'asha');
    await addUser(world.database, 'ravi');
  });
  afterEach(() => world.database.close());

  const access = () => world.reader.accessToken('asha', 'sandbox');
  const feed = () => world.reader.feedToken('asha', 'sandbox');

  it('reads the access token and the feed token', async () => {
    await world.connect('asha');
    expect(await access()).toMatchObject({ kind: 'token', token: 'access of asha' });
    expect(await feed()).toMatchObject({ kind: 'token', token: 'feed of asha' });
  });

  it('decrypts each once, however often it is asked', async () => {
    await world.connect('asha');
    for (let count = 0; count < 5; count += 1) {
      await access();
      await feed();
    }
    expect(world.counted.decryptions).toBe(2);
    expect(world.caches.sizes()).toMatchObject({ auth: 1, feed: 1 });
  });

  it('decrypts once where the access token opens the feed too, whichever is asked for first', async () => {
    await world.connect('asha', { feedToken: undefined });
    await access();
    expect(await feed()).toMatchObject({ token: 'access of asha' });
    expect(world.counted.decryptions).toBe(1);
    await world.connect('asha', { feedToken: undefined });
    await feed();
    expect(await access()).toMatchObject({ token: 'access of asha' });
    expect(world.counted.decryptions).toBe(2);
  });

  it('asks one small query for a token that it has, and three for one that it has not', async () => {
    await world.connect('asha');
    const asked: string[] = [];
    const tokens: TokenStore = {
      ...world.tokens,
      standing(...args) {
        asked.push('standing');
        return world.tokens.standing(...args);
      },
      findLatest(...args) {
        asked.push('row');
        return world.tokens.findLatest(...args);
      },
    };
    const reader = createTokenReader({ ...world, tokens });
    await reader.accessToken('asha', 'sandbox');
    expect(asked.splice(0)).toEqual(['standing', 'row', 'standing']);
    await reader.accessToken('asha', 'sandbox');
    expect(asked).toEqual(['standing']);
  });

  it('says until when the token is good: the cutoff, or the broker’s own limit where that is earlier', async () => {
    const cutoff = Date.parse('2026-11-21T03:00:00+05:30');
    await world.connect('asha', { expiresAt: cutoff + HOUR_MS });
    expect(await access()).toMatchObject({ expiresAt: cutoff });
    await world.connect('asha', { expiresAt: cutoff - HOUR_MS });
    expect(await access()).toMatchObject({ expiresAt: cutoff - HOUR_MS });
  });

  describe('with a warm cache, and no message that would clear it,', () => {
    const broker = 'sandbox';
    const userId = 'asha';

    it.each([
      [
        'a disconnection on another node',
        'disconnected',
        () =>
          world.tokens.end(
            { kind: 'of_broker', userId, broker },
            { reason: 'disconnected', now: world.clock.now() },
          ),
      ],
      [
        'a sweep up to an instant of the operator’s',
        'cutoff',
        () =>
          world.tokens.end(
            { kind: 'issued_before', before: world.clock.now() + 1 },
            { reason: 'cutoff', now: world.clock.now() },
          ),
      ],
      ['a rejection that another node was told of', 'rejected', () => reject()],
    ] as const)('serves nothing after %s', async (_what, why, end) => {
      await world.connect('asha');
      await access();
      await feed();
      await end();
      expect(world.caches.sizes()).toMatchObject({ auth: 1, feed: 1 });
      expect(await access()).toEqual({ kind: 'reauth_required', why });
      expect(await feed()).toEqual({ kind: 'reauth_required', why });
      expect(world.counted.decryptions).toBe(2);
    });

    async function reject() {
      const [row] = await world.tokenRows();
      return world.tokens.end(
        { kind: 'token', userId, broker, tokenDigest: row?.token_digest ?? '', since: 0 },
        { reason: 'rejected', now: world.clock.now() },
      );
    }

    it('serves the token of a connection that another node has made since', async () => {
      await world.connect('asha');
      await access();
      await world.connect('asha', {
        accessToken: world.cipher.forBroker(broker).encrypt('access of another node'),
      });
      expect(await access()).toMatchObject({ token: 'access of another node' });
    });

    it('serves the token that another node has refreshed since', async () => {
      await world.connect('asha');
      await access();
      await refresh('refreshed');
      expect(await access()).toMatchObject({ token: 'refreshed' });
    });
  });

  async function refresh(token: string): Promise<void> {
    await world.database.db
      .updateTable('broker_tokens')
      .set({
        access_token: world.cipher.forBroker('sandbox').encrypt(token),
        token_digest: secretDigest(token),
      })
      .where('is_revoked', '=', 0)
      .execute();
  }

  it('keeps people apart', async () => {
    await world.connect('asha');
    await access();
    expect(await world.reader.accessToken('ravi', 'sandbox')).toEqual({
      kind: 'reauth_required',
      why: 'not_connected',
    });
  });

  it('opens the feed with the access token where the broker gave no other', async () => {
    const { id } = await world.connect('asha', { feedToken: undefined });
    expect(await feed()).toMatchObject({ kind: 'token', token: 'access of asha' });
    await world.tokens.end({ kind: 'one', id }, { reason: 'rejected', now: world.clock.now() });
    await createTokenInvalidator({ ...world, bus: { publish: async () => undefined } })('asha', 'sandbox');
    expect(await feed()).toEqual({ kind: 'reauth_required', why: 'rejected' });
  });

  it('serves no token from the instant of the cutoff on, with a warm cache and no sweep', async () => {
    await world.connect('asha', { expiresAt: world.clock.now() + 100 * HOUR_MS });
    world.clock.set('2026-11-21T02:59:59.999+05:30');
    expect(await access()).toMatchObject({ kind: 'token' });
    world.clock.set('2026-11-21T03:00:00.000+05:30');
    expect(await access()).toEqual({ kind: 'reauth_required', why: 'cutoff' });
  });

  it('serves no token that was put into the cache too late to be dropped by its lifetime', async () => {
    const { id, tokenDigest, epoch, issuedAt, expiresAt } = await world.connect('asha', {
      issuedAt: Date.parse('2026-11-20T02:59:59.999+05:30'),
    });
    const key = `sandbox ${id} ${tokenDigest}`;
    world.caches.of.auth.set('asha', key, { token: 'old', epoch, issuedAt, expiresAt });
    expect(await access()).toEqual({ kind: 'reauth_required', why: 'cutoff' });
  });

  it('serves a token until the broker ends it, with a warm cache', async () => {
    await world.connect('asha', { expiresAt: world.clock.now() + HOUR_MS });
    await access();
    world.clock.advance(HOUR_MS - 1);
    expect(await access()).toMatchObject({ kind: 'token' });
    world.clock.advance(1);
    expect(await access()).toEqual({ kind: 'reauth_required', why: 'expired_at_broker' });
  });

  it('serves no token of an epoch that is over, although cache and row still have it', async () => {
    await world.connect('asha');
    await access();
    await moveEpoch(world.database, 'asha');
    expect(await access()).toEqual({ kind: 'reauth_required', why: 'ended' });
    expect(world.caches.sizes()).toMatchObject({ auth: 1 });
    await world.connect('asha');
    expect(await access()).toMatchObject({ kind: 'token' });
  });

  it('says why a connection was ended', async () => {
    await world.connect('asha');
    await world.tokens.end(
      { kind: 'of_broker', userId: 'asha', broker: 'sandbox' },
      { reason: 'disconnected', now: world.clock.now() },
    );
    expect(await access()).toEqual({ kind: 'reauth_required', why: 'disconnected' });
  });

  describe('when a revocation comes in between', () => {
    /** Reads with a store that does something right after the row was read. */
    function readWhile(meanwhile: () => Promise<unknown>) {
      let first = true;
      const tokens: TokenStore = {
        ...world.tokens,
        async findLatest(userId, broker) {
          const found = await world.tokens.findLatest(userId, broker);
          if (first) {
            first = false;
            await meanwhile();
          }
          return found;
        },
      };
      return createTokenReader({ ...world, tokens }).accessToken('asha', 'sandbox');
    }

    it('neither serves nor keeps a token of the epoch that is over', async () => {
      await world.connect('asha');
      expect(await readWhile(() => moveEpoch(world.database, 'asha'))).toEqual({
        kind: 'reauth_required',
        why: 'ended',
      });
      expect(world.caches.sizes()).toMatchObject({ auth: 0 });
    });

    it('neither serves nor keeps a token that was disconnected, although the caches were cleared too early', async () => {
      const { id } = await world.connect('asha');
      const disconnect = async () => {
        await world.tokens.end({ kind: 'one', id }, { reason: 'disconnected', now: world.clock.now() });
        world.caches.clearUser('asha');
      };
      expect(await readWhile(disconnect)).toEqual({ kind: 'reauth_required', why: 'disconnected' });
      expect(world.caches.sizes()).toMatchObject({ auth: 0 });
    });

    it('neither serves nor keeps a token across the cutoff', async () => {
      await world.connect('asha', { expiresAt: world.clock.now() + 100 * HOUR_MS });
      expect(await readWhile(async () => world.clock.set('2026-11-21T03:00:00+05:30'))).toEqual({
        kind: 'reauth_required',
        why: 'cutoff',
      });
      expect(world.caches.sizes()).toMatchObject({ auth: 0 });
    });

    it('serves what was connected in a new epoch meanwhile', async () => {
      await world.connect('asha');
      const again = async () => {
        await moveEpoch(world.database, 'asha');
        await world.connect('asha', {
          accessToken: world.cipher.forBroker('sandbox').encrypt('of the new epoch'),
        });
      };
      expect(await readWhile(again)).toMatchObject({ kind: 'token', token: 'of the new epoch' });
    });

    it('serves the token that a refresh has put in its place meanwhile', async () => {
      await world.connect('asha');
      expect(await readWhile(() => refresh('refreshed'))).toMatchObject({
        kind: 'token',
        token: 'refreshed',
      });
      expect(world.caches.sizes()).toMatchObject({ auth: 1 });
    });
  });

  describe('when the ciphertext was changed', () => {
    const flip = async (column: 'access_token' | 'feed_token') => {
      const [row] = await world.tokenRows();
      const text = row?.[column] ?? '';
      const flipped = `${text.slice(0, 40)}${text[40] === 'A' ? 'B' : 'A'}${text.slice(41)}`;
      await world.database.db
        .updateTable('broker_tokens')
        .set({ [column]: flipped })
        .execute();
    };

    it('asks to connect again, and writes it into the audit log once', async () => {
      await world.connect('asha');
      await flip('access_token');
      const readings = [...(await Promise.all([access(), access(), access()])), await access()];
      for (const reading of readings) expect(reading).toEqual({ kind: 'reauth_required', why: 'unreadable' });
      expect(world.audit.events).toEqual([
        { type: 'broker.token_unreadable', userId: 'asha', broker: 'sandbox' },
      ]);
      expect(await world.tokenRows()).toMatchObject([{ is_revoked: 1, revoke_reason: 'unreadable' }]);
    });

    it('also where only the feed token is broken, and then the broker is told of the other', async () => {
      const { accessToken } = await world.connect('asha');
      await flip('feed_token');
      expect(await feed()).toEqual({ kind: 'reauth_required', why: 'unreadable' });
      expect(await world.logoutRows()).toMatchObject([{ access_token: accessToken }]);
    });

    it('works again after connecting again', async () => {
      await world.connect('asha');
      await flip('access_token');
      await access();
      await world.connect('asha');
      expect(await access()).toMatchObject({ kind: 'token' });
    });
  });

  it('tells callers who cannot do without it which broker it is, why, and what to do', async () => {
    await expect(world.reader.requireAccessToken('asha', 'sandbox')).rejects.toMatchObject({
      code: 'broker_reauth_required',
      status: 409,
      message:
        'Practice broker is not connected yet. Sign in to Curfew, open Brokers, and connect Practice broker.',
    });
    await world.connect('asha');
    expect(await world.reader.requireAccessToken('asha', 'sandbox')).toMatchObject({
      token: 'access of asha',
    });
    world.clock.set('2026-11-21T03:00:00+05:30');
    await expect(world.reader.requireAccessToken('asha', 'sandbox')).rejects.toThrow(
      'Practice broker is not connected (Expired at the cutoff). Sign in to Curfew, open Brokers, and connect Practice broker again.',
    );
    await expect(world.reader.requireAccessToken('asha', 'nobody')).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringMatching(/^This server has no broker of that name\. It has: sandbox/),
    });
  });
});
