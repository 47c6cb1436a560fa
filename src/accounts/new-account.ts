import { z } from 'zod';
import type { FormResult } from '../http/form.ts';
import { lengthProblem } from './password-length.ts';
import type { PasswordRules } from './password-rules.ts';
import { usernameSchema } from './username.ts';

/** Choices for a new account, once it is allowed. */
export interface NewAccount {
  readonly username: string;
  readonly email: string;
  readonly password: string;
}

const MAX_EMAIL_LENGTH = 254;

const passwordSchema = z.string({ error: 'Enter a password.' }).superRefine((password, context) => {
  const message = lengthProblem(password);
  if (message !== undefined) context.addIssue({ code: 'custom', message });
});

export const emailSchema = z
  .string({ error: 'Enter an email address.' })
  .trim()
  .max(MAX_EMAIL_LENGTH, `Use at most ${MAX_EMAIL_LENGTH} characters.`)
  .pipe(z.email('Enter an email address, such as asha@example.com.'));

const newAccountSchema = z.object({
  username: usernameSchema,
  email: emailSchema,
  password: passwordSchema,
});

/** Reads what a form or the command line gives, and says for each field that is wrong what to do about it. */
export async function readNewAccount(input: unknown, rules: PasswordRules): Promise<FormResult<NewAccount>> {
  const parsed = newAccountSchema.safeParse(input ?? {});
  if (!parsed.success) return { ok: false, fields: firstMessages(parsed.error) };
  const problem = await rules.problemWith(parsed.data.password, parsed.data);
  return problem === undefined
    ? { ok: true, values: parsed.data }
    : { ok: false, fields: { password: problem } };
}

function firstMessages(error: z.ZodError): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const issue of error.issues) fields[issue.path.join('.') || 'form'] ??= issue.message;
  return fields;
}
