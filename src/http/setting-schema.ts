import { z } from 'zod';

/** Reads a setting's text; its problems stand behind the setting's name. */
export type SettingSchema<T> = z.ZodType<T, string | undefined>;

/** A setting with its default. The example stands in the message about a value that cannot be used. */
export function setting<T>(schema: z.ZodType<T, string>, usual: string, example = usual): SettingSchema<T> {
  return schema.prefault(usual).meta({ example, usual });
}

/** A setting without a default. */
export function required<T>(schema: z.ZodType<T, string>, example: string): SettingSchema<T> {
  const present = z.string({ error: 'is missing' }).pipe(schema);
  return (present as unknown as SettingSchema<T>).meta({ example });
}

/** A setting whose default depends on others, or that may be missing. */
export function optional<T>(schema: z.ZodType<T, string>, example: string): SettingSchema<T | undefined> {
  return schema.optional().meta({ example });
}

/** A text as `read` understands it; `problem` says of any other what it is not. */
export function readBy<T>(
  read: (text: string) => T | undefined,
  problem: string | ((text: string) => string),
) {
  return z.string().transform((text, context): T => {
    const value = read(text);
    if (value !== undefined) return value;
    context.addIssue(typeof problem === 'string' ? problem : problem(text));
    return z.NEVER;
  });
}

export function oneOf<const T extends string>(words: readonly T[], fold = (text: string): string => text) {
  return readBy(
    (text) => words.find((word) => word === fold(text)),
    (text) => `is ${shown(text)} and not one of ${words.join(', ')}`,
  );
}

/** A comma list, frozen. An empty text is an empty list; commas alone are a mistake. */
export function listOf<T>(entry: z.ZodType<T, string>) {
  return z
    .string()
    .refine((text) => text === '' || /[^,\s]/.test(text), 'is a list without an entry')
    .transform((text) =>
      text
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    )
    .pipe(z.array(entry))
    .readonly();
}

/** A value that goes into a log line or a terminal: quoted, short, and without control characters. */
export const shown = (text: string): string => `"${text.replace(/[^\x20-\x7e]/g, '?').slice(0, 60)}"`;
