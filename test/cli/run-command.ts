import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { runCommandLine } from '../../src/cli/command-line.ts';
import { createTerminal, type StandardStreams, type Terminal } from '../../src/cli/terminal.ts';
import { systemClock } from '../../src/core/clock.ts';
import { createScratchDirectory } from '../support/scratch-directory.ts';

export interface CliResult {
  /** The exit status; null when it had to be killed. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  /** The environment; the .env of `folder` stands behind it. */
  readonly settings: Readonly<Record<string, string>>;
  /** The project's; an empty one without. */
  readonly folder?: string;
  /** Standard input, through a pipe. */
  readonly input?: string;
  readonly showProgress?: Terminal['showProgress'];
}

/** A project without a .env. */
const EMPTY_FOLDER = createScratchDirectory('command').path;

/** Carries out a command in this process, without the second that a process of its own takes to start. */
export async function runCommand(args: readonly string[], options: CommandOptions): Promise<CliResult> {
  const { settings, folder = EMPTY_FOLDER, input = '', showProgress } = options;
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  stdin.end(input);
  const output = Promise.all([text(stdout), text(stderr)]);
  const terminal = createTerminal({ stdin, stdout, stderr } as unknown as StandardStreams);
  const status = await runCommandLine(args, {
    projectFolder: folder,
    environment: settings,
    terminal: showProgress === undefined ? terminal : { ...terminal, showProgress },
    clock: systemClock,
  });
  stdout.end();
  stderr.end();
  const [printed, said] = await output;
  return { status, stdout: printed, stderr: said };
}
