import { z } from 'zod';

const MIN_LENGTH = 3;
const MAX_LENGTH = 64;

/** Letters and digits of any script (its vowel signs included) and `. _ - @`, beginning with a letter or digit. */
const USERNAME = /^[\p{L}\p{Nd}][\p{L}\p{M}\p{Nd}._@-]*$/u;

/** Who else acts in the audit log: nobody may look like them. */
const RESERVED = new Set(['anonymous', 'cli', 'curfew', 'system']);

/** The username as it is kept and shown: no space around it, and one spelling for letters that look the same. */
export function normaliseUsername(text: string): string {
  return text.trim().normalize('NFKC');
}

/** What two usernames are compared by: `Asha`, ` asha ` and `ＡＳＨＡ` are one person. */
export function usernameKey(text: string): string {
  return normaliseUsername(text).toLowerCase().normalize('NFKC');
}

/** Whether somebody could have this username. Anything else need not be looked up, and should not be written down. */
export function isUsername(text: string): boolean {
  return usernameSchema.safeParse(text).success;
}

/** Reads a username that somebody chooses. */
export const usernameSchema = z
  .string({ error: 'Enter a username.' })
  .transform(normaliseUsername)
  .pipe(
    z
      .string()
      .min(MIN_LENGTH, `Use at least ${MIN_LENGTH} characters.`)
      .max(MAX_LENGTH, `Use at most ${MAX_LENGTH} characters.`)
      .regex(USERNAME, 'Use letters, digits and . _ - @ only, and begin with a letter or digit.')
      .refine((name) => !RESERVED.has(usernameKey(name)), 'This name is Curfew’s own. Choose another one.'),
  );
