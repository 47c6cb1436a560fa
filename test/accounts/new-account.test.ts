import { describe, expect, it } from 'vitest';
import { createCommonPasswords } from '../../src/accounts/common-passwords.ts';
import { readNewAccount } from '../../src/accounts/new-account.ts';
import { createPasswordRules } from '../../src/accounts/password-rules.ts';

const rules = createPasswordRules({ commonPasswords: createCommonPasswords() });
const good = { username: ' Asha ', email: ' asha@example.com ', password: ' tractor pelican moss ' };

describe('a new account', () => {
  it('is read with the space around name and address gone, and the password untouched', async () => {
    expect(await readNewAccount({ ...good, _csrf: 'token', role: 'admin' }, rules)).toEqual({
      ok: true,
      values: { username: 'Asha', email: 'asha@example.com', password: ' tractor pelican moss ' },
    });
  });

  it('names every field that is wrong, once', async () => {
    const result = await readNewAccount({ username: 'a', email: 'nowhere', password: 'short' }, rules);
    expect(result).toMatchObject({
      ok: false,
      fields: {
        username: 'Use at least 3 characters.',
        email: 'Enter an email address, such as asha@example.com.',
        password: expect.stringContaining('at least 8 characters'),
      },
    });
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['text', 'username=asha'],
    ['a list', [1, 2]],
    ['lists in the fields', { username: ['asha'], email: {}, password: 7 }],
  ])('cannot be read from %s', async (_what, input) => {
    expect(await readNewAccount(input, rules)).toMatchObject({ ok: false });
  });

  it('is held to the password rules with its own name', async () => {
    expect(await readNewAccount({ ...good, password: 'asha and the lantern' }, rules)).toEqual({
      ok: false,
      fields: { password: 'Choose a password without “asha” in it.' },
    });
  });

  it('has an address that fits into a mail header', async () => {
    const email = `${'a'.repeat(250)}@example.com`;
    expect(await readNewAccount({ ...good, email }, rules)).toMatchObject({
      ok: false,
      fields: { email: 'Use at most 254 characters.' },
    });
    expect(
      await readNewAccount({ ...good, email: 'a@example.com\r\nBcc: b@example.com' }, rules),
    ).toMatchObject({
      ok: false,
    });
  });
});
