import { CommandError } from './command.ts';

/** What the rules for accounts refuse, as one error: every field that is wrong, and what to do about it. */
export function refusal(fields: Readonly<Record<string, string>>): CommandError {
  const reasons = Object.entries(fields).map(([field, what]) => `${field}: ${what}`);
  return new CommandError(`Nothing was changed. ${reasons.join(' ')}`);
}
