import { expect, it } from 'vitest';
import { createCommonPasswords } from '../../src/accounts/common-passwords.ts';
import { createPasswordRules } from '../../src/accounts/password-rules.ts';
import { generateTemporaryPassword } from '../../src/accounts/temporary-password.ts';

it('makes temporary passwords that can be read out, never twice the same, and that the rules accept', async () => {
  const rules = createPasswordRules({ commonPasswords: createCommonPasswords() });
  const passwords = Array.from({ length: 500 }, generateTemporaryPassword);
  expect(new Set(passwords).size).toBe(500);
  for (const password of passwords) {
    expect(password).toMatch(/^([a-hjkmnp-z2-9]{5}-){3}[a-hjkmnp-z2-9]{5}$/);
    expect(
      await rules.problemWith(password, { username: 'ravi', email: 'ravi@example.com' }),
    ).toBeUndefined();
  }
});
