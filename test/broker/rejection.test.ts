import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRejection } from '../../src/broker/rejection.ts';
import { secretDigest } from '../../src/broker/secret-digest.ts';
import { createStreamPassReader } from '../../src/broker/stream-pass.ts';
import { createActing } from '../../src/storage/acting.ts';
import { addUser, openMemory } from '../support/databases.ts';
import { type BrokerWorld, createBrokerWorld } from './broker-world.ts';
import { createFakeAdapter } from './fake-adapter.ts';

describe('A token that the broker does not take any more', () => {
  let world: BrokerWorld;
  let woken: number;

  beforeEach(async () => {
    world = createBrokerWorld(await openMemory());
    woken = 0;
    await addUser(world.database, 'asha');
  });
  afterEach(() => world.database.close());

  const connect = (token: string) => world.connect('asha', { tokenDigest: secretDigest(token) });
  const report = (token: string) =>
    createRejection({
      ...world,
      invalidateTokens: async () => void world.caches.clearUser('asha'),
      wakeLogouts: () => {
        woken += 1;
      },
    })('asha', 'sandbox', { tokenDigest: secretDigest(token) });

  it('ends the connection and says so, a warm cache notwithstanding', async () => {
    await connect('refused');
    await world.reader.accessToken('asha', 'sandbox');
    await report('refused');
    expect(await world.reader.accessToken('asha', 'sandbox')).toEqual({
      kind: 'reauth_required',
      why: 'rejected',
    });
    expect(woken).toBe(1);
    expect(world.audit.events).toEqual([
      { type: 'broker.token_rejected', userId: 'asha', broker: 'sandbox' },
    ]);
  });

  it('ends nothing that was connected since', async () => {
    await connect('refused');
    await connect('fresh');
    await report('refused');
    expect(await world.reader.accessToken('asha', 'sandbox')).toMatchObject({ kind: 'token' });
    expect(world.audit.events).toEqual([]);
  });

  it('keeps the reason of an end that came first', async () => {
    const { calendar } = world;
    await connect('of yesterday');
    world.clock.set(calendar.next());
    expect(await report('of yesterday')).toBe(false);
    await connect('of an epoch before');
    await world.database.db.insertInto('user_epochs').values({ user_id: 'asha', epoch: 1 }).execute();
    expect(await report('of an epoch before')).toBe(false);
    expect(world.audit.events).toEqual([]);
    expect((await world.tokenRows()).map((row) => row.revoke_reason)).not.toContain('rejected');
  });

  it('is reported twice without harm', async () => {
    await connect('refused');
    await Promise.all([report('refused'), report('refused')]);
    expect(world.audit.events).toHaveLength(1);
  });

  it('is reported by the server, although the session whose request opened the stream has ended', async () => {
    const acting = createActing();
    const feed = { mostInstruments: 1, instruments: 'own', keyOf: unused, connect: unused } as const;
    const token = async () => ({ kind: 'token', token: 'refused', issuedAt: 0, expiresAt: 0 }) as const;
    const readStreamPass = createStreamPassReader({
      adapters: new Map([['sandbox', createFakeAdapter({ feed })]]),
      reader: { accessToken: token, feedToken: token },
      credentials: { of: async () => ({}) },
      acting,
      reportRejected: async () => acting.current() === undefined,
    });
    const asha = { userId: 'asha', needsAdmin: false, confirm: unused };
    const byServer = await acting.run(asha, async () => {
      const pass = await readStreamPass('asha', 'sandbox');
      return pass.kind === 'pass' && pass.reportRejected();
    });
    expect(byServer).toBe(true);
  });
});

function unused(): never {
  throw new Error('not asked');
}
