import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MINUTE_MS } from '../../src/core/duration.ts';
import type { Database } from '../../src/storage/database.ts';
import { addUser, DATABASES, emptyTables } from '../support/databases.ts';
import { type BrokerWorld, createBrokerWorld } from './broker-world.ts';

describe.each(DATABASES)('The logout store on %s', (_name, open) => {
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
  });

  const add = (id: string, at = now) =>
    world.logouts.add({ id, userId: 'asha', broker: 'sandbox', accessToken: 'ciphertext' }, at);
  const claim = (at = now, limit = 10) => world.logouts.claimDue({ now: at, limit, leaseMs: MINUTE_MS });
  async function claimOne(at = now) {
    const [first] = await claim(at, 1);
    if (first === undefined) throw new Error('nothing was due');
    return first;
  }

  it('hands out what is due, with the attempt counted', async () => {
    await add('one');
    expect(await claim()).toEqual([
      {
        id: 'one',
        userId: 'asha',
        broker: 'sandbox',
        accessToken: 'ciphertext',
        attempts: 1,
        requestedAt: now,
      },
    ]);
  });

  it('keeps the first when the same one is added twice', async () => {
    await add('one');
    await add('one');
    expect(await claim()).toHaveLength(1);
  });

  it('gives each to one node only', async () => {
    for (let round = 0; round < 20; round += 1) {
      for (let count = 0; count < 5; count += 1) await add(`logout-${round}-${count}`);
      const claims = (await Promise.all(Array.from({ length: 8 }, () => claim()))).flat();
      expect(claims.map((each) => each.id).sort()).toEqual(
        [0, 1, 2, 3, 4].map((count) => `logout-${round}-${count}`),
      );
    }
  });

  it('gives it again when the lease is over, and not before', async () => {
    await add('one');
    await claim();
    expect(await claim(now + MINUTE_MS - 1)).toEqual([]);
    expect(await claim(now + MINUTE_MS)).toMatchObject([{ id: 'one', attempts: 2 }]);
  });

  it('wipes the ciphertext of what is done and of what nobody can use', async () => {
    for (const id of ['one', 'two', 'three']) await add(id);
    const [first, second, third] = await claim();
    if (first === undefined || second === undefined || third === undefined) throw new Error('three were due');
    expect(await world.logouts.close(first)).toBe(true);
    expect(await world.logouts.bury(second, 'unreadable', { wipe: true })).toBe(true);
    expect(await world.logouts.bury(third, 'timeout', { wipe: false })).toBe(true);
    const rows = await world.logoutRows();
    expect(rows.map((row) => [row.status, row.access_token === null])).toEqual([
      ['done', true],
      ['dead', true],
      ['dead', false],
    ]);
    expect(await claim(now + MINUTE_MS)).toEqual([]);
  });

  it('ignores a node whose claim has passed to another', async () => {
    await add('one');
    const slow = await claimOne();
    const later = await claimOne(now + MINUTE_MS);
    expect(await world.logouts.close(slow)).toBe(false);
    await world.logouts.postpone(slow, now, 'timeout');
    expect(await claim(now + MINUTE_MS)).toEqual([]);
    expect(await world.logouts.close(later)).toBe(true);
  });

  it('comes back when it was postponed to', async () => {
    await add('one');
    await world.logouts.postpone(await claimOne(), now + 5000, 'network');
    expect(await claim(now + 4999)).toEqual([]);
    expect(await claim(now + 5000)).toMatchObject([{ attempts: 2 }]);
    expect(await world.logoutRows()).toMatchObject([{ last_error: 'network' }]);
  });

  it('forgets old ones that are done, and keeps those that were given up', async () => {
    await add('done', now - 2);
    await world.logouts.close(await claimOne());
    await add('dead', now - 2);
    await world.logouts.bury(await claimOne(), 'timeout', { wipe: false });
    await add('open', now - 2);
    await world.logouts.forgetDoneBefore(now - 2);
    expect(await world.logoutRows()).toHaveLength(3);
    await world.logouts.forgetDoneBefore(now - 1);
    expect((await world.logoutRows()).map((row) => row.id).sort()).toEqual(['dead', 'open']);
  });
});
