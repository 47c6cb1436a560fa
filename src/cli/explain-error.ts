import { explainError as explain } from '../boot/explain-error.ts';
import { ConfigError } from '../config.ts';
import { CommandError } from './command.ts';

/** An error in words for the person at the terminal, without a stack trace. */
export function explainError(error: unknown): string {
  if (error instanceof CommandError) return error.message;
  return error instanceof ConfigError
    ? `${error.message}\nMend them in .env or in the environment; npx curfew doctor looks at everything else.`
    : explain(error);
}
