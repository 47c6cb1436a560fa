import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BrokerGrant } from '../../src/broker/broker-adapter.ts';
import { versionOf } from '../../src/broker/connection.ts';
import { type ConnectionOrigin, createConnectionKeeper } from '../../src/broker/connection-keeper.ts';
import type { TokenStore } from '../../src/broker/token-store.ts';
import { DAY_MS } from '../../src/core/duration.ts';
import { SessionEndedError } from '../../src/sessions/session-storage.ts';
import { addUser, moveEpoch, openMemory } from '../support/databases.ts';
import { type BrokerWorld, createBrokerWorld } from './broker-world.ts';

describe('Keeping a token that a broker has just given', () => {
  let world: BrokerWorld;
  let sessions: Set<string>;
  let origin: ConnectionOrigin;
  let grant: BrokerGrant;

  beforeEach(async () => {
    world = createBrokerWorld(await openMemory());
    sessions = new Set(['the-session']);
    const now = world.clock.now();
    origin = { userId: 'asha', broker: 'sandbox', sid: 'the-session', epoch: 0, issuedAt: now, held: false };
    grant = { kind: 'granted', accessToken: 'access', feedToken: 'feed', expiresAt: now + DAY_MS };
    await addUser(world.database, 'asha');
  });
  afterEach(() => world.database.close());

  const keep = (tokens: TokenStore = world.tokens) =>
    createConnectionKeeper({ ...world, tokens, sessionExists: async (sid) => sessions.has(sid) }).keep(
      grant,
      origin,
    );
  /** A store in which something happens right after, or right before, the connection is put in. */
  const storeWith = (moments: { before?: () => unknown; after?: () => unknown }): TokenStore => ({
    ...world.tokens,
    async replace(connection, now) {
      await moments.before?.();
      await world.tokens.replace(connection, now);
      await moments.after?.();
    },
  });
  const read = () => world.reader.accessToken('asha', 'sandbox');

  it('stores it encrypted, as of before the broker was asked', async () => {
    world.clock.advance(3000);
    expect(await keep()).toBe('kept');
    expect(await world.tokenRows()).toMatchObject([{ epoch: 0, issued_at: origin.issuedAt, is_revoked: 0 }]);
    expect(JSON.stringify(await world.tokenRows())).not.toMatch(/"(access|feed)"/);
    expect(await read()).toMatchObject({ kind: 'token', token: 'access' });
  });

  it('tells the broker instead when everything of the person ended meanwhile', async () => {
    await moveEpoch(world.database, 'asha');
    expect(await keep()).toBe('ended_meanwhile');
    expect(await world.tokenRows()).toEqual([]);
    expect(await world.logoutRows()).toMatchObject([{ status: 'open', broker: 'sandbox' }]);
  });

  it('tells the broker instead when the session that began it is gone, and keeps what other devices use', async () => {
    const other = await world.connect('asha');
    sessions.clear();
    expect(await keep()).toBe('ended_meanwhile');
    expect(await world.tokens.standing('asha', 'sandbox')).toMatchObject({ live: versionOf(other) });
    expect(await world.logoutRows()).toHaveLength(1);
  });

  it('tells the broker instead when the cutoff came meanwhile', async () => {
    world.clock.set('2026-11-21T03:00:00+05:30');
    grant = { ...grant, expiresAt: world.clock.now() + DAY_MS };
    expect(await keep()).toBe('ended_meanwhile');
    expect(await world.logoutRows()).toHaveLength(1);
  });

  it('tells the broker instead when the transaction that would store it finds the session ended', async () => {
    const actor = {
      userId: 'asha',
      needsAdmin: false,
      confirm: () => Promise.reject(new SessionEndedError()),
    };
    expect(await world.acting.run(actor, () => keep())).toBe('ended_meanwhile');
    expect(await world.tokenRows()).toEqual([]);
    expect(await world.logoutRows()).toMatchObject([{ status: 'open', broker: 'sandbox' }]);
  });

  describe.each(['before', 'after'] as const)('ends it again when, just %s it was stored,', (moment) => {
    it.each([
      ['everything ended', () => moveEpoch(world.database, 'asha')],
      ['the session went', () => sessions.clear()],
      ['the cutoff came', () => world.clock.set('2026-11-21T03:00:00+05:30')],
    ])('%s', async (_what, happen) => {
      grant = { ...grant, expiresAt: world.clock.now() + 2 * DAY_MS };
      expect(await keep(storeWith({ [moment]: happen }))).toBe('ended_meanwhile');
      expect(await world.tokenRows()).toMatchObject([
        { is_revoked: 1, revoke_reason: 'ended_meanwhile', access_token: null, feed_token: null },
      ]);
      expect(await read()).toMatchObject({ kind: 'reauth_required' });
      expect(await world.logoutRows()).toHaveLength(1);
    });
  });
});
