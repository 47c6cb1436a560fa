import type { IsBreached } from './breach-check.ts';
import type { CommonPasswords } from './common-passwords.ts';
import { lengthProblem, MIN_PASSWORD_LENGTH } from './password-length.ts';

/** Whom the password is for: what is known about them is the first guess. */
export interface PasswordOwner {
  readonly username: string;
  readonly email: string;
}

export interface PasswordRules {
  /** Why the password cannot be chosen, in words that say what to do; undefined when it can. */
  problemWith(password: string, owner: PasswordOwner): Promise<string | undefined>;
}

/** Shorter names are part of too many innocent words: such a one counts only where little else is left. */
const MIN_TELLING_LENGTH = 4;

/**
 * Length, commonness, nothing that is known about the owner or this server, and no breach where that is looked up (ASVS 6.2.1,
 * 6.2.4, 6.2.11, 6.2.12).
 * Any composition is fine (6.2.5), and the password is never changed (6.2.8).
 */
export function createPasswordRules({
  commonPasswords,
  isBreached = async () => false,
}: {
  readonly commonPasswords: CommonPasswords;
  readonly isBreached?: IsBreached | undefined;
}): PasswordRules {
  return {
    async problemWith(password, owner) {
      const problem = lengthProblem(password);
      if (problem !== undefined) return problem;
      const compared = comparable(password);
      const known = knownWords(owner).find((word) => isBuiltOn(compared, word));
      if (known !== undefined) return `Choose a password without “${known}” in it.`;
      if ((await commonPasswords()).has(compared))
        return 'This password is on the lists that guessers try first. Choose another, such as four unrelated words.';
      if (await isBreached(password))
        return 'This password was stolen from another service, so guessers know it. Choose another, such as four unrelated words.';
      return undefined;
    },
  };
}

function knownWords({ username, email }: PasswordOwner): readonly string[] {
  const mailbox = email.split('@')[0] ?? '';
  return ['curfew', username, email, mailbox].map(comparable).filter((word) => word.length > 2);
}

function isBuiltOn(password: string, word: string): boolean {
  if (word.length >= MIN_TELLING_LENGTH) return password.includes(word);
  return password.includes(word) && password.replaceAll(word, '').length < MIN_PASSWORD_LENGTH;
}

function comparable(text: string): string {
  return text.normalize('NFKC').toLowerCase();
}
