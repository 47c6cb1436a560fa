import { Command, CommanderError } from 'commander';
import { VERSION } from '../version.ts';
import type { CliCommand, CommandContext, ExitCode } from './command.ts';
import { COMMANDS, GROUPS, type ListedCommand } from './command-list.ts';
import { ReaderGoneError } from './terminal.ts';

const WRONG_USE = 2;

/** Carries out one command; returns the exit status of the process: 0 done, 1 failed, 2 used wrongly. */
export async function runCommandLine(args: readonly string[], context: CommandContext): Promise<number> {
  try {
    return await parseAndRun(args, context);
  } catch (error) {
    if (error instanceof ReaderGoneError) return 0;
    const { explainError } = await import('./explain-error.ts');
    context.terminal.say(`curfew: ${explainError(error)}`);
    return 1;
  }
}

async function parseAndRun(args: readonly string[], context: CommandContext): Promise<number> {
  let exitCode: ExitCode = 0;
  let help = '';
  const program = new Command('curfew')
    .description('Manages Curfew from the shell, also while the server runs. See docs/cli.md.')
    .version(`curfew ${VERSION}`)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        help += text;
      },
      writeErr: (text) => context.terminal.say(text.trimEnd()),
    });
  const groups = new Map(
    Object.entries(GROUPS).map(([name, summary]) => [name, program.command(name).description(summary)]),
  );
  const called = findCalled(args);
  for (const listed of COMMANDS) {
    const [first = '', second] = listed.name.split(' ');
    const parent = second === undefined ? program : groups.get(first);
    const command = parent?.command(second ?? first).description(listed.summary);
    if (listed !== called || command === undefined) continue;
    declare(command, (await listed.load()).command, context, (code) => {
      exitCode = code;
    });
  }
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode !== 0) return WRONG_USE;
    await context.terminal.print(help.trimEnd());
    return 0;
  }
}

/** `sessions list --json`, and `help sessions list` as well. */
function findCalled(args: readonly string[]): ListedCommand | undefined {
  const words = args[0] === 'help' ? args.slice(1) : args;
  return COMMANDS.find(({ name }) => name === words.slice(0, name.split(' ').length).join(' '));
}

function declare(
  command: Command,
  { arguments: positional = [], options: given = [], misuse, run }: CliCommand<never>,
  context: CommandContext,
  finish: (code: ExitCode) => void,
): void {
  for (const argument of positional) command.addArgument(argument);
  for (const option of given) command.addOption(option);
  command.option('--json', 'print JSON, for programs').action(async () => {
    const values = positional.map((argument, index) => [argument.name(), command.processedArgs[index]]);
    const options = { ...command.opts<Record<string, unknown>>(), ...Object.fromEntries(values) } as never;
    const problem = misuse?.(options, context);
    if (problem !== undefined) command.error(`error: ${problem}`);
    finish(await run(context, options));
  });
}
