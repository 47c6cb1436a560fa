/** In characters (code points). ASVS 6.2.1 and 6.2.9: from eight, and 64 at least must be allowed. */
export const MIN_PASSWORD_LENGTH = 8;
export const MAX_PASSWORD_LENGTH = 128;

/** The problem with the length, and its remedy, in words; undefined where there is none. */
export function lengthProblem(password: string): string | undefined {
  // Up to twice as many UTF-16 units make that many characters; more need no counting.
  if (password.length > 2 * MAX_PASSWORD_LENGTH) return tooLong;
  const { length } = [...password.normalize('NFC')];
  if (length < MIN_PASSWORD_LENGTH) return tooShort;
  return length > MAX_PASSWORD_LENGTH ? tooLong : undefined;
}

const tooShort = `Use at least ${MIN_PASSWORD_LENGTH} characters. Several words with spaces between them are fine.`;
const tooLong = `Use at most ${MAX_PASSWORD_LENGTH} characters.`;
