import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AUTHORIZATION_LIFETIME_MS, type NewAuthorization } from '../../src/broker/authorization-store.ts';
import { secretDigest } from '../../src/broker/secret-digest.ts';
import type { Database } from '../../src/storage/database.ts';
import { addUser, DATABASES, emptyTables } from '../support/databases.ts';
import { type BrokerWorld, createBrokerWorld } from './broker-world.ts';

describe.each(DATABASES)('The authorization store on %s', (_name, open) => {
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

  const begin = (changes: Partial<NewAuthorization> = {}, at = now) =>
    world.authorizations.begin(
      {
        state: 'the-state',
        sid: 'the-session',
        userId: 'asha',
        broker: 'sandbox',
        codeVerifier: 'ciphertext',
        returnTo: '/dashboard',
        held: false,
        ...changes,
      },
      at,
    );

  it('gives back what was begun, once', async () => {
    await begin();
    expect(await world.authorizations.take('the-state')).toEqual({
      sessionDigest: secretDigest('the-session'),
      userId: 'asha',
      broker: 'sandbox',
      codeVerifier: 'ciphertext',
      returnTo: '/dashboard',
      held: false,
      expiresAt: now + AUTHORIZATION_LIFETIME_MS,
    });
    expect(await world.authorizations.take('the-state')).toBeUndefined();
  });

  it('gives it to one of several who come at the same moment', async () => {
    await begin();
    const taken = await Promise.all([1, 2, 3, 4].map(() => world.authorizations.take('the-state')));
    expect(taken.filter((each) => each !== undefined)).toHaveLength(1);
  });

  it('keeps neither the state nor the session id', async () => {
    await begin();
    const dump = JSON.stringify(
      await world.database.db.selectFrom('broker_authorizations').selectAll().execute(),
    );
    expect(dump).not.toContain('the-state');
    expect(dump).not.toContain('the-session');
  });

  it('lets a session have five on their way, the latest ones', async () => {
    for (let count = 1; count <= 6; count += 1) await begin({ state: `state-${count}` }, now + count);
    await begin({ state: 'elsewhere', sid: 'another-session' });
    expect(await world.authorizations.take('state-1')).toBeUndefined();
    for (const state of ['state-2', 'state-6', 'elsewhere'])
      expect(await world.authorizations.take(state)).toBeDefined();
  });

  it('finds the only one of a session at a broker, once', async () => {
    await begin();
    await begin({ state: 'at another broker', broker: 'kite' });
    await begin({ state: 'elsewhere', sid: 'another-session' });
    expect(await world.authorizations.takeLatest('the-session', 'sandbox')).toMatchObject({ userId: 'asha' });
    expect(await world.authorizations.takeLatest('the-session', 'sandbox')).toBeUndefined();
    expect(await world.authorizations.take('the-state')).toBeUndefined();
    for (const state of ['at another broker', 'elsewhere'])
      expect(await world.authorizations.take(state)).toBeDefined();
  });

  it('gives the later one where there are two, and forgets both', async () => {
    await begin({ state: 'in another tab', returnTo: '/later' }, now + 1);
    await begin();
    expect(await world.authorizations.takeLatest('the-session', 'sandbox')).toMatchObject({
      returnTo: '/later',
    });
    for (const state of ['the-state', 'in another tab'])
      expect(await world.authorizations.take(state)).toBeUndefined();
  });

  it('forgets what nobody came back from', async () => {
    await begin({ state: 'old' });
    await begin({ state: 'new' }, now + AUTHORIZATION_LIFETIME_MS);
    expect(await world.authorizations.take('old')).toBeUndefined();
    expect(await world.authorizations.take('new')).toBeDefined();
  });

  it('forgets what was begun before an instant, of one user or of everyone', async () => {
    await begin({ state: 'hers before' }, now - 1);
    await begin({ state: 'hers at' }, now);
    await begin({ state: 'his before', userId: 'ravi' }, now - 1);
    await begin({ state: 'his long before', userId: 'ravi' }, now - 1000);
    await world.authorizations.forgetBegunBefore(now, 'asha');
    expect(await world.authorizations.take('hers before')).toBeUndefined();
    expect(await world.authorizations.take('hers at')).toBeDefined();
    expect(await world.authorizations.take('his before')).toBeDefined();
    await world.authorizations.forgetBegunBefore(now);
    expect(await world.authorizations.take('his long before')).toBeUndefined();
  });
});
