import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createUserStore, type UserStore } from '../../src/accounts/user-store.ts';
import type { Database } from '../../src/storage/database.ts';
import { DATABASES, watchStatements } from '../support/databases.ts';

const now = Date.UTC(2026, 10, 20, 4, 0);
const clock = { now: () => now };
const asha = { username: 'Asha', email: 'asha@example.com', passwordHash: 'hash of asha' };
const ravi = {
  username: 'ravi',
  email: 'ravi@example.com',
  passwordHash: 'hash of ravi',
  role: 'user',
} as const;

describe.each(DATABASES)('the user store on %s', (_name, open) => {
  let database: Database;
  let users: UserStore;

  beforeAll(async () => {
    database = await open();
  });
  beforeEach(async () => {
    await database.db.deleteFrom('users').execute();
    await database.db.deleteFrom('installation').execute();
    users = createUserStore({ database, clock });
  });
  afterAll(() => database.close());

  async function create(person: Parameters<UserStore['createUser']>[0]) {
    const made = await users.createUser(person);
    if (made.kind !== 'created') throw new Error(made.kind);
    return made.user;
  }

  const disable = (userId: string) =>
    database.db.transaction().execute((trx) => users.disableUnlessLastAdmin(userId, trx));

  it('makes the first admin, and only the first', async () => {
    expect(await users.createFirstAdmin(asha)).toMatchObject({
      kind: 'created',
      user: { username: 'Asha', email: 'asha@example.com', role: 'admin', disabled: false, createdAt: now },
    });
    expect(await users.createFirstAdmin(ravi)).toEqual({ kind: 'already_set_up' });
    expect((await users.list()).map((user) => user.username)).toEqual(['Asha']);
  });

  it('makes one admin when several requests race', async () => {
    const other = createUserStore({ database, clock });
    const results = await Promise.all([
      users.createFirstAdmin(asha),
      other.createFirstAdmin({ ...asha, username: 'Ravi' }),
      users.createFirstAdmin({ ...asha, username: 'Meera' }),
      other.createFirstAdmin({ ...asha, username: 'Kabir' }),
    ]);
    expect(results.filter((result) => result.kind === 'created')).toHaveLength(1);
    expect(await users.list()).toHaveLength(1);
  });

  it('makes no first admin beside a user that the operator made', async () => {
    await create(ravi);
    await database.db.deleteFrom('installation').execute();
    expect(await users.createFirstAdmin(asha)).toEqual({ kind: 'already_set_up' });
  });

  it('makes no first admin after a user that the operator made and deleted', async () => {
    await create(ravi);
    await database.db.deleteFrom('users').execute();
    expect(await users.createFirstAdmin(asha)).toEqual({ kind: 'already_set_up' });
  });

  it('leaves the setup open when the first admin could not be stored', async () => {
    const broken = Object.assign({ ...asha }, { email: null });
    await expect(users.createFirstAdmin(broken)).rejects.toThrow();
    expect(await users.anyUserExists()).toBe(false);
    expect(await users.createFirstAdmin(asha)).toMatchObject({ kind: 'created' });
  });

  it('knows whether anybody exists, and asks no more once somebody does', async () => {
    const sent = watchStatements(database);
    expect(await users.anyUserExists()).toBe(false);
    expect(sent()).not.toEqual([]);
    await create(ravi);
    expect(await users.anyUserExists()).toBe(true);
    const before = sent().length;
    expect(await users.anyUserExists()).toBe(true);
    expect(sent()).toHaveLength(before);
  });

  it('does not open the setup again when every user was deleted', async () => {
    await users.createFirstAdmin(asha);
    await database.db.deleteFrom('users').execute();
    expect(await createUserStore({ database, clock }).anyUserExists()).toBe(true);
  });

  it('gives a username to one person, whatever its case and width', async () => {
    await create({ ...asha, role: 'user' });
    expect(await users.createUser({ ...ravi, username: 'ＡＳＨＡ' })).toEqual({ kind: 'username_taken' });
    const racing = await Promise.all([
      users.createUser(ravi),
      users.createUser({ ...ravi, username: 'RAVI' }),
    ]);
    expect(racing.map((result) => result.kind).sort()).toEqual(['created', 'username_taken']);
  });

  it('counts whose password hash ends so', async () => {
    await create({ ...asha, passwordHash: 'hash#0f1e', role: 'user' });
    await create({ ...ravi, passwordHash: 'hash' });
    expect(await users.countPasswordHashesEndingWith('#0f1e')).toBe(1);
    expect(await users.countPasswordHashesEndingWith('#0f1d')).toBe(0);
  });

  it('finds people by id and by any spelling of their username', async () => {
    const user = await create({ ...asha, role: 'user' });
    expect(await users.findById(user.id)).toEqual(user);
    expect(await users.findByUsername(' ASHA')).toEqual(user);
    expect(await users.findCredentials('asha')).toEqual({ user, passwordHash: 'hash of asha' });
    expect(await users.findById('nobody')).toBeUndefined();
    expect(await users.findByUsername('nobody')).toBeUndefined();
    expect(await users.findCredentials('nobody')).toBeUndefined();
  });

  it('lists people by username and never shows a password hash', async () => {
    await create(ravi);
    await create({ ...asha, role: 'user' });
    const list = await users.list();
    expect(list.map((user) => user.username)).toEqual(['Asha', 'ravi']);
    expect(JSON.stringify(list)).not.toContain('hash of');
  });

  it('sets one person’s password', async () => {
    const user = await create(ravi);
    await create({ ...asha, role: 'user' });
    await users.setPassword(user.id, 'another hash');
    expect((await users.findCredentials('ravi'))?.passwordHash).toBe('another hash');
    expect((await users.findCredentials('asha'))?.passwordHash).toBe('hash of asha');
  });

  it('replaces a password hash only where the old one still stands', async () => {
    const user = await create(ravi);
    expect(await users.replacePasswordHash(user.id, 'hash of ravi', 'renewed')).toBe(true);
    expect(await users.replacePasswordHash(user.id, 'hash of ravi', 'too late')).toBe(false);
    expect((await users.findCredentials('ravi'))?.passwordHash).toBe('renewed');
  });

  it('disables and enables one person', async () => {
    const user = await create(ravi);
    const other = await create({ ...asha, role: 'user' });
    await users.setDisabled(user.id, true);
    expect((await users.findById(user.id))?.disabled).toBe(true);
    expect((await users.findById(other.id))?.disabled).toBe(false);
    await users.setDisabled(user.id, false);
    expect((await users.findById(user.id))?.disabled).toBe(false);
  });

  it('never disables the last admin, also where two would disable each other at the same moment', async () => {
    for (let round = 0; round < 10; round += 1) {
      const pair = await Promise.all(
        ['one', 'two'].map((name) => create({ ...asha, username: `${name}-${round}`, role: 'admin' })),
      );
      const done = await Promise.all(pair.map((user) => disable(user.id)));
      expect(done.filter(Boolean)).toHaveLength(1);
      const left = (await users.list()).filter((user) => user.role === 'admin' && !user.disabled);
      expect(left).toHaveLength(1);
      await users.setDisabled(left[0]?.id ?? '', true);
    }
  });

  it('disables whoever is no admin, or not the last', async () => {
    const [user, admin, last] = [
      await create(ravi),
      await create({ ...asha, role: 'admin' }),
      await create({ ...asha, username: 'meera', role: 'admin' }),
    ];
    expect(await disable(user.id)).toBe(true);
    expect(await disable(admin.id)).toBe(true);
    expect(await disable(admin.id)).toBe(true);
    expect(await disable(last.id)).toBe(false);
    expect((await users.list()).filter(({ disabled }) => !disabled)).toEqual([last]);
  });

  it('says whether somebody is still welcome: not disabled, and with the same password', async () => {
    const user = await create(ravi);
    expect(await users.credentialsStillValid(user.id, 'hash of ravi')).toBe(true);
    expect(await users.credentialsStillValid(user.id, 'an older hash')).toBe(false);
    expect(await users.credentialsStillValid('nobody', 'hash of ravi')).toBe(false);
    await users.setDisabled(user.id, true);
    expect(await users.credentialsStillValid(user.id, 'hash of ravi')).toBe(false);
  });
});
