import { CommandError } from './command.ts';

/** The refusal of the account rules as one error: every field that is wrong, and its remedy. */
export function refusal(fields: Readonly<Record<string, string>>): CommandError {
  const reasons = Object.entries(fields).map(([field, what]) => `${field}: ${what}`);
  return new CommandError(`Nothing was changed. ${reasons.join(' ')}`);
}
