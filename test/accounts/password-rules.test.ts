import { describe, expect, it, vi } from 'vitest';
import { createCommonPasswords } from '../../src/accounts/common-passwords.ts';
import { createPasswordRules } from '../../src/accounts/password-rules.ts';

const rules = createPasswordRules({ commonPasswords: createCommonPasswords() });
const asha = { username: 'Asha', email: 'a.rao@example.com' };

describe('the password rules', () => {
  it.each([
    ['8 characters', 'kq7#mz!d'],
    ['64 characters', 'kq7#mz!d'.repeat(8)],
    ['128 characters', 'kq7#mz!d'.repeat(16)],
    ['lower-case words', 'tractor pelican moss lantern'],
    ['digits', '7731904428'],
    ['spaces at both ends', '  moss lantern  '],
    ['another script', 'समुद्र के किनारे'],
    ['8 characters outside the basic plane', '🦜🪁🛶🧵🪔🥭🛺🎐'],
  ])('accept %s', async (_what, password) => {
    expect(await rules.problemWith(password, asha)).toBeUndefined();
  });

  it.each([
    ['7 characters', 'kq7#mz!', /at least 8 characters/],
    ['4 characters of two units each', '🦜🪁🛶🧵', /at least 8 characters/],
    ['129 characters', 'x'.repeat(129), /at most 128 characters/],
    ['a megabyte', 'x'.repeat(1_000_000), /at most 128 characters/],
    ['a common password', 'qwertyuiop', /lists that guessers try/],
    ['a common password in capitals', 'PassWord', /lists that guessers try/],
    ['the username', 'ashaashaasha', /without “asha”/],
    ['the username in capitals amid others', 'tractor-ASHA-pelican', /without “asha”/],
    ['the mailbox', 'tractor a.rao pelican', /without “a\.rao”/],
    ['the email address', 'a.rao@example.com', /without “a\.rao/],
    ['the name of this server', 'Curfew at three', /without “curfew”/],
  ])('refuse %s, and say what to do', async (_what, password, message) => {
    expect(await rules.problemWith(password, asha)).toMatch(message);
  });

  it('let a name of three letters be part of words, but not the whole password', async () => {
    const ram = { username: 'ram', email: 'ram@example.com' };
    expect(await rules.problemWith('a drama in several acts', ram)).toBeUndefined();
    expect(await rules.problemWith('ram-2026', ram)).toMatch(/without “ram”/);
  });

  it('know at least the 3,000 most common that could be chosen', async () => {
    const list = await createCommonPasswords()();
    expect(list.size).toBeGreaterThan(3000);
    expect([...list].every((password) => password.length >= 8)).toBe(true);
  });

  it('load the list when it is first needed, and once', async () => {
    const load = vi.fn(async () => new Set(['moss lantern']));
    const lazy = createPasswordRules({ commonPasswords: load });
    expect(await lazy.problemWith('short', asha)).toBeDefined();
    expect(load).not.toHaveBeenCalled();
    expect(await lazy.problemWith('Moss Lantern', asha)).toMatch(/lists/);

    const commonPasswords = createCommonPasswords();
    expect(await commonPasswords()).toBe(await commonPasswords());
  });
});
