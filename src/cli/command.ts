import type { Argument, Option } from 'commander';
import type { Environment } from '../config.ts';
import type { Clock } from '../core/clock.ts';
import type { Terminal } from './terminal.ts';

/** Every command's access to the outside. */
export interface CommandContext {
  /** Has the .env that stands behind the environment. */
  readonly projectFolder: string;
  /** Of the process. */
  readonly environment: Environment;
  readonly terminal: Terminal;
  readonly clock: Clock;
}

/** 0: done. 1: not done, or not all of it, and the error stream says why. A wrong use of a command is 2. */
export type ExitCode = 0 | 1;

/** One command: what it takes, and what it does. Its options get the values of its arguments, too, and `json`. */
export interface CliCommand<O> {
  readonly arguments?: readonly Argument[];
  readonly options?: readonly Option[];
  /** The problem with these options together, in words; undefined where there is none. */
  misuse?(options: O, context: CommandContext): string | undefined;
  run(context: CommandContext, options: O): Promise<ExitCode>;
}

/** A command cannot be carried out, for a reason that the person at the terminal can mend: its message is all they need. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}
