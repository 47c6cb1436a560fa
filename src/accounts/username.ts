import { z } from 'zod';

const MIN_LENGTH = 3;
const MAX_LENGTH = 64;

/** Letters and digits of any script (its vowel signs included) and `. _ - @`, beginning with a letter or digit. */
const USERNAME = /^[\p{L}\p{Nd}][\p{L}\p{M}\p{Nd}._@-]*$/u;

/** Other actors in the audit log: no user may look like them. */
const RESERVED = new Set(['anonymous', 'cli', 'curfew', 'system']);
/** The same since names have been refused for it: accounts from before keep theirs. */
const RESERVED_FOR_NEW = new Set(['webhook']);

/** Scripts that are written today (UAX 31, table 5), and those of India besides; some languages use several at once. */
const WRITING_SYSTEMS: readonly (readonly string[])[] = [
  ...[
    'Arabic',
    'Armenian',
    'Bengali',
    'Cyrillic',
    'Devanagari',
    'Ethiopic',
    'Georgian',
    'Greek',
    'Gujarati',
    'Gurmukhi',
    'Hebrew',
    'Kannada',
    'Khmer',
    'Lao',
    'Latin',
    'Malayalam',
    'Meetei_Mayek',
    'Myanmar',
    'Ol_Chiki',
    'Oriya',
    'Sinhala',
    'Tamil',
    'Telugu',
    'Thaana',
    'Thai',
    'Tibetan',
  ].map((script) => [script]),
  ['Han', 'Hiragana', 'Katakana'],
  ['Han', 'Hangul'],
  ['Han', 'Bopomofo'],
];

/** A name whose letters, marks and digits are all of one writing system, or of none, such as `.` and ASCII digits. */
const ONE_WRITING_SYSTEM = WRITING_SYSTEMS.map((scripts) => {
  const allowed = [...scripts, 'Common', 'Inherited'].map((script) => `\\p{Script_Extensions=${script}}`);
  return new RegExp(`^[${allowed.join('')}]*$`, 'u');
});

const OURS = 'This name is Curfew’s own. Choose another one.';

/** The username as it is kept and shown: no space around it, and one spelling for letters that look the same. */
export function normaliseUsername(text: string): string {
  return text.trim().normalize('NFKC');
}

/** Key for comparing usernames: `Asha`, ` asha ` and `ＡＳＨＡ` are one person. */
export function usernameKey(text: string): string {
  return normaliseUsername(text).toLowerCase().normalize('NFKC');
}

/** Whether an account could have this username. Anything else need not be looked up, and should not be written down. */
export function isUsername(text: string): boolean {
  return anyUsernameSchema.safeParse(text).success;
}

/** Of accounts of all ages. */
const anyUsernameSchema = z
  .string({ error: 'Enter a username.' })
  .transform(normaliseUsername)
  .pipe(
    z
      .string()
      .min(MIN_LENGTH, `Use at least ${MIN_LENGTH} characters.`)
      .max(MAX_LENGTH, `Use at most ${MAX_LENGTH} characters.`)
      .regex(USERNAME, 'Use letters, digits and . _ - @ only, and begin with a letter or digit.')
      .refine((name) => !RESERVED.has(usernameKey(name)), OURS),
  );

/**
 * Reads a username as it is chosen. Scripts are not mixed: `аsha` with a Cyrillic first letter would pass for `asha` in
 * every list (UTS 39, single script).
 */
export const usernameSchema = anyUsernameSchema
  .refine((name) => !RESERVED_FOR_NEW.has(usernameKey(name)), OURS)
  .refine(isOfOneWritingSystem, 'Use letters of one script only, such as Latin or Devanagari.');

function isOfOneWritingSystem(name: string): boolean {
  return ONE_WRITING_SYSTEM.some((pattern) => pattern.test(name));
}
