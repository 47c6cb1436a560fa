import type { Environment } from '../config.ts';
import type { Clock } from '../core/clock.ts';
import type { Terminal } from './terminal.ts';

/** What every command gets from outside. */
export interface CommandContext {
  /** The environment of the process; .env stands behind it. */
  readonly environment: Environment;
  readonly terminal: Terminal;
  readonly clock: Clock;
}

/** 0: done. 1: not done, or not all of it, and the error stream says why. A wrong use of a command is 2. */
export type ExitCode = 0 | 1;
