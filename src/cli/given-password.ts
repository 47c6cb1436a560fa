import { Option } from 'commander';
import { CommandError } from './command.ts';
import type { Terminal } from './terminal.ts';

export const PASSWORD_STDIN = new Option('--password-stdin', 'read the password from standard input');

/**
 * The password that `--password-stdin` hands over: all of standard input but the line's end, so that it stands in no
 * list of processes and no shell history. Undefined without the option.
 */
export async function readGivenPassword(
  terminal: Terminal,
  passwordStdin: boolean | undefined,
): Promise<string | undefined> {
  if (!passwordStdin) return undefined;
  if (terminal.inputIsTyped)
    throw new CommandError(
      '--password-stdin takes the password from a pipe or a file, since a terminal would show it: … < password.txt',
    );
  return (await terminal.readInput()).replace(/\r?\n$/, '');
}
