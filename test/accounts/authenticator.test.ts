import { createHmac } from 'node:crypto';
import argon2 from 'argon2';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { type Authenticator, createAuthenticator } from '../../src/accounts/authenticator.ts';
import { createPasswordHasher, type PasswordHasher } from '../../src/accounts/password-hasher.ts';
import { createUserStore, type User, type UserStore } from '../../src/accounts/user-store.ts';
import { unavailable } from '../../src/errors.ts';
import { openDatabase } from '../../src/storage/database.ts';

const PASSWORD = 'tractor pelican moss';

describe('the authenticator', () => {
  let users: UserStore;
  let hasher: PasswordHasher;
  let authenticator: Authenticator;
  let asha: User;

  beforeEach(async () => {
    const database = await openDatabase({ dialect: 'sqlite', file: ':memory:' });
    users = createUserStore({ database, clock: { now: () => 0 } });
    hasher = createPasswordHasher({ peppers: ['a pepper of more than thirty-two characters'] });
    authenticator = createAuthenticator({ users, hasher });
    const made = await users.createFirstAdmin({
      username: 'Asha',
      email: 'asha@example.com',
      passwordHash: await hasher.hash(PASSWORD),
    });
    if (made.kind !== 'created') throw new Error(made.kind);
    asha = made.user;
    return () => database.close();
  });

  it('knows who gives the right password, in any spelling of the username', async () => {
    for (const username of ['Asha', 'ASHA', ' asha '])
      expect(await authenticator.authenticate(username, PASSWORD)).toMatchObject({ kind: 'ok', user: asha });
  });

  it('refuses a wrong password, an unknown user and a disabled one', async () => {
    expect(await authenticator.authenticate('asha', 'wrong')).toEqual({
      kind: 'refused',
      why: 'credentials',
    });
    expect(await authenticator.authenticate('nobody', PASSWORD)).toEqual({
      kind: 'refused',
      why: 'credentials',
    });
    await users.setDisabled(asha.id, true);
    expect(await authenticator.authenticate('asha', PASSWORD)).toEqual({ kind: 'refused', why: 'disabled' });
    expect(await authenticator.authenticate('asha', 'wrong')).toEqual({
      kind: 'refused',
      why: 'credentials',
    });
  });

  it('computes one hash of the same cost for each of them', async () => {
    const verify = vi.spyOn(argon2, 'verify');
    const hash = vi.spyOn(argon2, 'hash');
    await authenticator.authenticate('asha', 'wrong');
    await authenticator.authenticate('nobody', 'wrong');
    await authenticator.authenticate('not a username', 'wrong');
    await users.setDisabled(asha.id, true);
    await authenticator.authenticate('asha', PASSWORD);
    const parameters = verify.mock.calls.map(([encoded]) => encoded.split('$').slice(1, 4).join('$'));
    expect(parameters).toEqual(Array.from({ length: 4 }, () => 'argon2id$v=19$m=19456,p=1,t=2'));
    expect(hash).not.toHaveBeenCalled();
  });

  it('hashes with the newest pepper whoever signs in, so that the older one can go', async () => {
    const pepper = 'a pepper of more than thirty-two characters';
    const newer = 'another pepper of more than thirty-two characters';
    const rotating = createPasswordHasher({ peppers: [newer, pepper] });
    const during = createAuthenticator({ users, hasher: rotating });
    expect(await during.authenticate('asha', PASSWORD)).toMatchObject({ kind: 'ok' });
    const after = createAuthenticator({ users, hasher: createPasswordHasher({ peppers: [newer] }) });
    expect(await after.authenticate('asha', PASSWORD)).toMatchObject({ kind: 'ok' });
    expect(await authenticator.authenticate('asha', PASSWORD)).toMatchObject({ kind: 'refused' });
  });

  it('hashes a password of decomposed characters anew once, and not at each sign-in', async () => {
    const typed = 'Cafe\u0301 au lait';
    const old = await argon2.hash(
      createHmac('sha256', 'a pepper of more than thirty-two characters').update(typed, 'utf8').digest(),
    );
    await users.setPassword(asha.id, old);
    const hash = vi.spyOn(argon2, 'hash');
    for (let times = 0; times < 3; times += 1)
      expect(await authenticator.authenticate('asha', typed)).toMatchObject({ kind: 'ok' });
    expect(hash).toHaveBeenCalledTimes(1);
    hash.mockRestore();
  });

  it('does not ask the database for what nobody can be called', async () => {
    const find = vi.spyOn(users, 'findCredentials');
    expect(await authenticator.authenticate('asha\u0000', PASSWORD)).toMatchObject({ kind: 'refused' });
    expect(find).not.toHaveBeenCalled();
  });

  it('lets a full queue through as unavailable, and not as a wrong password', async () => {
    vi.spyOn(hasher, 'match').mockRejectedValue(unavailable('Checking passwords'));
    await expect(authenticator.authenticate('asha', PASSWORD)).rejects.toMatchObject({ code: 'unavailable' });
  });

  describe('for a hash with other parameters', () => {
    beforeEach(() => {
      vi.spyOn(hasher, 'needsRehash').mockReturnValueOnce(true);
    });

    it('stores a new one and vouches for that', async () => {
      const before = await users.findCredentials('asha');
      const outcome = await authenticator.authenticate('asha', PASSWORD);
      const after = await users.findCredentials('asha');
      expect(after?.passwordHash).not.toBe(before?.passwordHash);
      expect(outcome).toMatchObject({ kind: 'ok', passwordHash: after?.passwordHash });
      expect(await authenticator.authenticate('asha', PASSWORD)).toMatchObject({ kind: 'ok' });
    });

    it('keeps the old one when the password is wrong', async () => {
      const before = await users.findCredentials('asha');
      await authenticator.authenticate('asha', 'wrong');
      expect(await users.findCredentials('asha')).toEqual(before);
    });

    it('keeps the old one when the queue is full', async () => {
      const before = await users.findCredentials('asha');
      vi.spyOn(hasher, 'hash').mockRejectedValueOnce(unavailable('Checking passwords'));
      expect(await authenticator.authenticate('asha', PASSWORD)).toMatchObject({ kind: 'ok', ...before });
    });

    it('checks again when the password was changed meanwhile, and does not undo the change', async () => {
      const changed = await hasher.hash('lantern orchid moss');
      vi.spyOn(hasher, 'hash').mockImplementationOnce(async () => {
        await users.setPassword(asha.id, changed);
        return 'a hash of the old password';
      });
      expect(await authenticator.authenticate('asha', PASSWORD)).toEqual({
        kind: 'refused',
        why: 'credentials',
      });
      expect((await users.findCredentials('asha'))?.passwordHash).toBe(changed);
    });
  });
});
