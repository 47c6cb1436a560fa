import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createCommonPasswords } from '../../src/accounts/common-passwords.ts';
import { createPasswordHasher } from '../../src/accounts/password-hasher.ts';
import { createPasswordRules } from '../../src/accounts/password-rules.ts';
import { createUserAdmin, type UserAdmin, type UserAdminDeps } from '../../src/accounts/user-admin.ts';
import { createUserStore, type UserStore } from '../../src/accounts/user-store.ts';
import type { Receipt } from '../../src/core/revocation.ts';
import type { SessionLifecycle } from '../../src/sessions/lifecycle.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { createRecordingAudit } from './recording-audit.ts';

const origin = { actor: 'cli' };
const ravi = { username: 'Ravi', email: 'ravi@example.com', role: 'user' } as const;
const hasher = createPasswordHasher({ peppers: ['a pepper of more than thirty-two characters'] });
const rules = createPasswordRules({ commonPasswords: createCommonPasswords() });

describe('the administration of users', () => {
  let users: UserStore;
  let admin: UserAdmin;
  let audit: ReturnType<typeof createRecordingAudit>;
  const tellSessions = vi.fn<(userId: string, role: string) => Promise<void>>();
  const revokeApiKeys = vi.fn<UserAdminDeps['revokeApiKeys']>();
  const endAccount = vi.fn<(userId: string, reason: Receipt['reason']) => Promise<Receipt>>();

  beforeEach(async () => {
    const database = await openDatabase({ dialect: 'sqlite', file: ':memory:' });
    users = createUserStore({ database, clock: { now: () => 0 } });
    audit = createRecordingAudit();
    endAccount.mockReset();
    endAccount.mockImplementation(async (userId, reason) => receiptFor(userId, reason));
    tellSessions.mockReset();
    revokeApiKeys.mockReset();
    revokeApiKeys.mockResolvedValue(async () => 2);
    const lifecycle: Pick<SessionLifecycle, 'endAccountWith'> = {
      async endAccountWith(userId, reason, _origin, change, stored) {
        if (!(await database.db.transaction().execute(change))) return undefined;
        await stored?.();
        return endAccount(userId, reason);
      },
    };
    const resetFactor = async () => false;
    admin = createUserAdmin({
      users,
      rules,
      hasher,
      lifecycle,
      tellSessions,
      revokeApiKeys,
      resetFactor,
      audit,
    });
    return () => database.close();
  });

  const passwordWorks = async (username: string, password: string) => {
    const account = await users.findCredentials(username);
    return account !== undefined && hasher.verify(password, account.passwordHash);
  };

  it('creates a user with a strong password that it tells once', async () => {
    const made = await admin.create(ravi, origin);
    if (made.kind !== 'created' || made.temporaryPassword === undefined) throw new Error(made.kind);
    expect(await passwordWorks('ravi', made.temporaryPassword)).toBe(true);
    expect(audit.recorded).toEqual([
      { event: { type: 'account.created', userId: made.user.id, username: 'Ravi', role: 'user' }, origin },
    ]);
    expect(JSON.stringify(audit.recorded)).not.toContain(made.temporaryPassword);
  });

  it('creates a user with a given password, and does not repeat it', async () => {
    const made = await admin.create({ ...ravi, role: 'admin', password: 'tractor pelican moss' }, origin);
    expect(made).toMatchObject({ kind: 'created', user: { role: 'admin' } });
    expect(made).not.toHaveProperty('temporaryPassword');
    expect(await passwordWorks('ravi', 'tractor pelican moss')).toBe(true);
  });

  it('says what is wrong with a new user, and makes none', async () => {
    expect(await admin.create({ ...ravi, email: 'nowhere' }, origin)).toMatchObject({
      kind: 'invalid',
      fields: { email: expect.any(String) },
    });
    expect(await admin.create({ ...ravi, password: 'password' }, origin)).toMatchObject({
      kind: 'invalid',
      fields: { password: expect.any(String) },
    });
    expect(await admin.list()).toEqual([]);
    await admin.create(ravi, origin);
    expect(await admin.create({ ...ravi, username: 'RAVI' }, origin)).toEqual({
      kind: 'invalid',
      fields: { username: 'This username is taken.' },
    });
    expect((await admin.list()).map((user) => user.username)).toEqual(['Ravi']);
  });

  it('disables a user before it ends their account, so that no sign-in slips in between', async () => {
    await admin.create(ravi, origin);
    let disabledFirst: boolean | undefined;
    endAccount.mockImplementation(async (userId, reason) => {
      disabledFirst = (await users.findById(userId))?.disabled;
      return receiptFor(userId, reason);
    });
    const done = await admin.disable('ravi', origin);
    expect(done).toMatchObject({
      kind: 'disabled',
      user: { username: 'Ravi', disabled: true },
      receipt: { reason: 'account_disabled' },
    });
    expect(disabledFirst).toBe(true);
    expect(audit.recorded.at(-1)?.event).toMatchObject({ type: 'account.disabled' });
  });

  it('does not disable the last admin who can sign in, and ends nothing of theirs', async () => {
    for (const username of ['asha', 'meera'])
      await admin.create({ username, email: 'a@example.com', role: 'admin' }, origin);
    await admin.create(ravi, origin);
    expect(await admin.disable('asha', origin)).toMatchObject({ kind: 'disabled' });
    const recorded = audit.recorded.length;
    endAccount.mockClear();
    expect(await admin.disable('MEERA', origin)).toMatchObject({
      kind: 'last_admin',
      user: { username: 'meera' },
    });
    expect((await users.findByUsername('meera'))?.disabled).toBe(false);
    expect(audit.recorded).toHaveLength(recorded);
    expect(endAccount).not.toHaveBeenCalled();
    // Once more is harmless for one who is disabled, and nobody else is in the way of it.
    expect(await admin.disable('asha', origin)).toMatchObject({ kind: 'disabled' });
    expect(await admin.disable('ravi', origin)).toMatchObject({ kind: 'disabled' });
  });

  it('lets somebody sign in again, and writes it down', async () => {
    await admin.create(ravi, origin);
    await admin.disable('ravi', origin);
    expect(await admin.enable('RAVI', origin)).toMatchObject({
      kind: 'enabled',
      user: { username: 'Ravi', disabled: false },
    });
    const user = await users.findByUsername('ravi');
    expect(user?.disabled).toBe(false);
    expect(audit.recorded.at(-1)).toEqual({ event: { type: 'account.enabled', userId: user?.id }, origin });
    expect(await admin.enable('ravi', origin)).toMatchObject({ kind: 'enabled' });
    expect(await admin.enable('nobody', origin)).toEqual({ kind: 'unknown_user' });
  });

  it('resets a password and ends what began with the old one', async () => {
    await admin.create({ ...ravi, password: 'tractor pelican moss' }, origin);
    const done = await admin.resetPassword('RAVI', undefined, origin);
    if (done.kind !== 'reset' || done.temporaryPassword === undefined) throw new Error(done.kind);
    expect(done.receipt.reason).toBe('password_changed');
    expect(await passwordWorks('ravi', 'tractor pelican moss')).toBe(false);
    expect(await passwordWorks('ravi', done.temporaryPassword)).toBe(true);
    expect(audit.recorded.at(-1)?.event).toMatchObject({ type: 'account.password_reset' });
  });

  it('revokes the API keys together with a reset, unless they are to be kept', async () => {
    const made = await admin.create({ ...ravi, password: 'tractor pelican moss' }, origin);
    expect(await admin.resetPassword('ravi', undefined, origin, { keepApiKeys: true })).toMatchObject({
      kind: 'reset',
      revokedApiKeys: 0,
    });
    expect(revokeApiKeys).not.toHaveBeenCalled();
    expect(await admin.resetPassword('ravi', undefined, origin)).toMatchObject({ revokedApiKeys: 2 });
    expect(made).toMatchObject({ user: { id: revokeApiKeys.mock.calls[0]?.[1] } });
  });

  it('sets the given password, but not one that the rules refuse', async () => {
    await admin.create({ ...ravi, password: 'tractor pelican moss' }, origin);
    expect(await admin.resetPassword('ravi', 'lantern orchid', origin)).toMatchObject({ kind: 'reset' });
    expect(await passwordWorks('ravi', 'lantern orchid')).toBe(true);
    endAccount.mockClear();
    expect(await admin.resetPassword('ravi', 'ravi ravi', origin)).toMatchObject({ kind: 'invalid' });
    expect(await passwordWorks('ravi', 'lantern orchid')).toBe(true);
    expect(endAccount).not.toHaveBeenCalled();
  });

  it('says when there is no such user', async () => {
    expect(await admin.disable('nobody', origin)).toEqual({ kind: 'unknown_user' });
    expect(await admin.resetPassword('nobody', undefined, origin)).toEqual({ kind: 'unknown_user' });
    expect(endAccount).not.toHaveBeenCalled();
  });
});

function receiptFor(userId: string, reason: Receipt['reason']): Receipt {
  return { orderId: 'order', reason, scope: 'account', userId, orderedAt: 0, status: 'done', lines: [] };
}
