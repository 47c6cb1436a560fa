import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createUserStore, type UserStore } from '../../src/accounts/user-store.ts';
import { type Database, openDatabase } from '../../src/storage/database.ts';
import { postgresLocation } from '../support/databases.ts';

const clock = { now: () => 0 };

describe.each(['sqlite', 'postgres'] as const)('the last administrator, on %s', (dialect) => {
  let nodes: readonly Database[];
  let stores: readonly [UserStore, UserStore];

  beforeEach(async () => {
    // One file is one writer at a time; two nodes are for Postgres.
    const location =
      dialect === 'sqlite' ? ({ dialect, file: ':memory:' } as const) : await postgresLocation();
    const one = await openDatabase(location);
    const two = dialect === 'sqlite' ? one : await openDatabase(location);
    nodes = dialect === 'sqlite' ? [one] : [one, two];
    stores = [createUserStore({ database: one, clock }), createUserStore({ database: two, clock })];
  });
  afterEach(async () => {
    await Promise.all(nodes.map((node) => node.close()));
  });

  const make = async (username: string) => {
    const made = await stores[0].createUser({
      username,
      email: 'x@example.org',
      passwordHash: 'x',
      role: 'admin',
    });
    if (made.kind !== 'created') throw new Error(made.kind);
    return made.user.id;
  };
  const disable = (userId: string) =>
    (nodes.at(-1) as Database).db
      .transaction()
      .execute((trx) => stores[1].disableUnlessLastAdmin(userId, trx));
  const adminsLeft = async () =>
    (await stores[0].list()).filter((user) => user.role === 'admin' && !user.disabled).length;

  it('stays, however two nodes disable and demote each other’s at once', async () => {
    for (let round = 0; round < 10; round += 1) {
      const [one, two] = [await make(`one-${round}`), await make(`two-${round}`)];
      for (const user of await stores[0].list())
        if (user.id !== one && user.id !== two) await stores[0].setDisabled(user.id, true);
      await Promise.all([
        stores[0].changeRoleUnlessLastAdmin(one, 'user'),
        round % 2 === 0 ? disable(two) : stores[1].changeRoleUnlessLastAdmin(two, 'user'),
      ]);
      expect(await adminsLeft()).toBe(1);
    }
  });
});
