import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createFactorStore } from '../../../src/accounts/second-factor/factor-store.ts';
import { createSecondFactor } from '../../../src/accounts/second-factor/second-factor.ts';
import { generateTotpSecret } from '../../../src/accounts/second-factor/totp.ts';
import { createUserStore, type User } from '../../../src/accounts/user-store.ts';
import { DAY_MS } from '../../../src/core/duration.ts';
import { createCiphertextStore } from '../../../src/storage/ciphertext-store.ts';
import type { Database } from '../../../src/storage/database.ts';
import { createKeyRing } from '../../../src/storage/key-ring.ts';
import { createKeyRotation } from '../../../src/storage/key-rotation.ts';
import { DATABASES } from '../../support/databases.ts';
import { createSettableClock } from '../../support/settable-clock.ts';
import { TEST_SECRETS } from '../../support/test-server.ts';
import { totpCode } from '../../support/totp-code.ts';
import { createRecordingAudit } from '../recording-audit.ts';

const NEW_KEY = 'Zm9yIHRlc3RzIG9ubHk6IHRoaXJ0eS10d28gYnl0ZXM=';
const origin = { actor: 'asha' };

describe.each(DATABASES)('The second factor on %s', (_name, open) => {
  const clock = createSettableClock('2026-11-20T12:00:00+05:30');
  const audit = createRecordingAudit();
  /** From a browser that the user signed in with before; the code comes now. */
  const from = (isKnown: boolean) => ({
    isKnownDevice: async () => isKnown,
    origin,
    get at() {
      return clock.now();
    },
  });
  const known = from(true);
  let database: Database;
  let asha: User;
  let secret: string;
  let recoveryCodes: readonly string[];

  const onNode = (
    rule: 'off' | 'admins' | 'all' = 'admins',
    keys: readonly string[] = [TEST_SECRETS.ENCRYPTION_KEY],
  ) =>
    createSecondFactor({
      database,
      keyRing: createKeyRing({ keys, clock }),
      redis: undefined,
      clock,
      audit,
      rule,
    });
  const codeNow = () => totpCode(secret, clock.now());

  beforeAll(async () => {
    database = await open();
  });
  afterAll(() => database.close());

  beforeEach(async () => {
    await database.db.deleteFrom('users').execute();
    const users = createUserStore({ database, clock });
    const person = { username: 'asha', email: 'a@example.com', passwordHash: 'hash', role: 'admin' } as const;
    const made = await users.createUser(person);
    if (made.kind !== 'created') throw new Error(made.kind);
    asha = made.user;
    secret = generateTotpSecret();
    const enrolled = await onNode().enrol({ userId: asha.id, secret }, codeNow(), origin);
    if (enrolled.kind !== 'enrolled') throw new Error(enrolled.kind);
    recoveryCodes = enrolled.recoveryCodes;
    clock.advance(30_000);
  });

  it('takes a code once, over two nodes that are asked at once, and after a restart', async () => {
    const code = codeNow();
    const answers = await Promise.all([onNode(), onNode()].map((node) => node.check(asha.id, code, known)));
    expect(answers.map(({ kind }) => kind).sort()).toEqual(['accepted', 'wrong']);
    expect((await onNode().check(asha.id, code, known)).kind).toBe('wrong');
    clock.advance(30_000);
    expect(await onNode().check(asha.id, codeNow(), known)).toEqual({ kind: 'accepted', method: 'totp' });
  });

  it('takes a code that was good when it came, however long it waited for its turn', async () => {
    const [code, at] = [codeNow(), clock.now()];
    clock.advance(3 * 30_000);
    expect((await onNode().check(asha.id, code, known)).kind).toBe('wrong');
    expect((await onNode().check(asha.id, code, { ...from(true), at })).kind).toBe('accepted');
  });

  it('takes no code from before the last one that it took, nor the one that enrolled it', async () => {
    const late = codeNow();
    clock.advance(30_000);
    expect((await onNode().check(asha.id, codeNow(), known)).kind).toBe('accepted');
    expect((await onNode().check(asha.id, late, known)).kind).toBe('wrong');
    clock.advance(-60_000);
    expect((await onNode().check(asha.id, codeNow(), known)).kind).toBe('wrong');
  });

  it('takes each recovery code once, at once too, and counts those that are left', async () => {
    const [code = '', other = ''] = recoveryCodes;
    const answers = await Promise.all([onNode(), onNode()].map((node) => node.check(asha.id, code, known)));
    expect(answers.map(({ kind }) => kind).sort()).toEqual(['accepted', 'wrong']);
    expect((await onNode().check(asha.id, code, known)).kind).toBe('wrong');
    expect(await onNode().check(asha.id, other.toUpperCase().replaceAll('-', ' '), known)).toEqual({
      kind: 'accepted',
      method: 'recovery_code',
    });
    expect(await onNode().stateOf(asha.id)).toMatchObject({ recoveryCodesLeft: 8, fewLeft: false });
    expect(audit.recorded.at(-1)?.event).toEqual({ type: 'recovery_codes.used', userId: asha.id, left: 8 });
  });

  it('says that few are left from three on, and new ones make the former void', async () => {
    for (const code of recoveryCodes.slice(0, 7)) await onNode().check(asha.id, code, known);
    expect(await onNode().stateOf(asha.id)).toMatchObject({ recoveryCodesLeft: 3, fewLeft: true });
    const renewed = (await onNode().renewRecoveryCodes(asha.id, origin)) ?? [];
    expect(await onNode().stateOf(asha.id)).toMatchObject({ recoveryCodesLeft: 10, fewLeft: false });
    expect((await onNode().check(asha.id, recoveryCodes.at(-1) ?? '', known)).kind).toBe('wrong');
    expect((await onNode().check(asha.id, renewed[0] ?? '', known)).kind).toBe('accepted');
  });

  it('goes with its recovery codes when it is removed, and only then another one is enrolled', async () => {
    const other = { userId: asha.id, secret: generateTotpSecret() };
    const code = totpCode(other.secret, clock.now());
    expect((await onNode().enrol(other, code, origin)).kind).toBe('refused');
    expect(await onNode().remove(asha.id, origin)).toBe(true);
    expect(await onNode().remove(asha.id, origin)).toBe(false);
    expect((await onNode().check(asha.id, recoveryCodes[0] ?? '', known)).kind).toBe('none');
    expect(await onNode().renewRecoveryCodes(asha.id, origin)).toBeUndefined();
    expect((await onNode().enrol(other, '000000', origin)).kind).toBe('wrong');
    expect((await onNode().enrol({ ...other, passwordHash: 'a former one' }, code, origin)).kind).toBe(
      'refused',
    );
    expect((await onNode().enrol({ ...other, passwordHash: 'hash' }, code, origin)).kind).toBe('enrolled');
  });

  it('is enrolled by a sign-in only while there is none of either kind', async () => {
    const factors = createFactorStore({ database, now: clock.now });
    const passkey = {
      id: 'a-passkey',
      userId: asha.id,
      name: 'Laptop',
      publicKey: 'key',
      counter: 0,
      transports: [],
      canBeBackedUp: false,
      isBackedUp: false,
      rpId: 'localhost',
      recoveryCodeDigests: ['a digest'],
    };
    const app = { userId: asha.id, secret: 'another', step: 0, recoveryCodeDigests: ['a digest'] };
    const bySignIn = { passwordHash: 'hash' };
    expect(await factors.addPasskey({ ...passkey, ...bySignIn })).toBe('refused');
    expect(await factors.addPasskey(passkey)).toBe('added');
    await factors.remove(asha.id);
    expect(await factors.enrol({ ...app, ...bySignIn })).toBe(false);
    expect(await factors.addPasskey({ ...passkey, id: 'another', ...bySignIn })).toBe('refused');
    await factors.removePasskey(asha.id, passkey.id);
    expect(await factors.addPasskey({ ...passkey, ...bySignIn })).toBe('first_factor');
  });

  it('stores neither secret nor recovery code, and its secret follows a rotation of keys', async () => {
    const { db } = database;
    const factors = await db.selectFrom('totp_factors').selectAll().execute();
    const stored = JSON.stringify([factors, await db.selectFrom('recovery_codes').selectAll().execute()]);
    for (const text of [secret, ...recoveryCodes, ...recoveryCodes.map((code) => code.replaceAll('-', ''))])
      expect(stored).not.toContain(text);
    const keyRing = createKeyRing({ keys: [NEW_KEY, TEST_SECRETS.ENCRYPTION_KEY], clock });
    await createKeyRotation({ ciphertexts: createCiphertextStore(database), keyRing, audit }).run(origin);
    expect((await onNode('admins', [NEW_KEY]).check(asha.id, codeNow(), known)).kind).toBe('accepted');
  });

  it('lets strangers try ten codes an hour, and neither known devices nor recovery codes wait for them', async () => {
    const node = onNode();
    const stranger = from(false);
    const wrong = codeNow() === '000000' ? '111111' : '000000';
    for (let tries = 0; tries < 10; tries += 1)
      expect((await node.check(asha.id, wrong, stranger)).kind).toBe('wrong');
    expect((await node.check(asha.id, codeNow(), stranger)).kind).toBe('limited');
    expect((await node.check(asha.id, recoveryCodes[0] ?? '', stranger)).kind).toBe('accepted');
    expect((await node.check(asha.id, codeNow(), known)).kind).toBe('accepted');
  });

  it('is asked of whom SECOND_FACTOR names, and the first account has seven days', async () => {
    const users = createUserStore({ database, clock });
    const add = async (username: string, role: 'admin' | 'user') => {
      const made = await users.createUser({ username, email: 'x@example.com', passwordHash: 'hash', role });
      if (made.kind !== 'created') throw new Error(made.kind);
      return made.user;
    };
    expect(await onNode('off').nextStep(asha)).toBe('code');
    await onNode().reset(asha.id, origin);
    const [meera, ravi] = [await add('meera', 'admin'), await add('ravi', 'user')];
    const steps = async (rule: 'off' | 'admins' | 'all') =>
      Promise.all([asha, meera, ravi].map((user) => onNode(rule).nextStep(user)));
    expect(await steps('off')).toEqual(['none', 'none', 'none']);
    expect(await steps('admins')).toEqual(['none', 'enrol', 'none']);
    expect(await steps('all')).toEqual(['none', 'enrol', 'enrol']);
    clock.advance(7 * DAY_MS - 30_000 - 1);
    expect(await steps('admins')).toEqual(['none', 'enrol', 'none']);
    clock.advance(1);
    expect(await steps('admins')).toEqual(['enrol', 'enrol', 'none']);
  });
});
