import { MIN_PASSWORD_LENGTH } from './password-length.ts';

/** Passwords that guessers try first, in lower case; only those long enough to be chosen at all. */
export type CommonPasswords = () => Promise<ReadonlySet<string>>;

/**
 * The list of zxcvbn-ts: some 18,000 of eight characters or more, where ASVS 6.2.4 asks for 3,000. It is loaded when
 * first asked for, since a server that only serves pages never needs it, and then kept.
 */
export function createCommonPasswords(): CommonPasswords {
  let list: Promise<ReadonlySet<string>> | undefined;
  return () => {
    list ??= load();
    return list;
  };
}

async function load(): Promise<ReadonlySet<string>> {
  const { dictionary } = await import('@zxcvbn-ts/language-common');
  return new Set(dictionary['passwords-common'].filter((password) => password.length >= MIN_PASSWORD_LENGTH));
}
