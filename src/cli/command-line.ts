import { Command, CommanderError, Option } from 'commander';
import { BAN_LENGTHS } from '../core/ban-policy.ts';
import { MASTER_BROKERS } from '../symbols/formats/all-formats.ts';
import { readChainHead } from './chain-head.ts';
import type { CommandContext, ExitCode } from './command-context.ts';
import { explainError } from './explain-error.ts';
import { readInstant } from './instant.ts';
import { ReaderGoneError } from './terminal.ts';

const WRONG_USE = 2;
const JSON_FLAG = ['--json', 'print JSON, for programs'] as const;
const STDIN_FLAG = ['--password-stdin', 'take the password from standard input'] as const;

/** Carries out one command; returns the exit status of the process: 0 done, 1 failed, 2 used wrongly. */
export async function runCommandLine(args: readonly string[], context: CommandContext): Promise<number> {
  try {
    return await parseAndRun(args, context);
  } catch (error) {
    if (error instanceof ReaderGoneError) return 0;
    context.terminal.say(`curfew: ${explainError(error)}`);
    return 1;
  }
}

async function parseAndRun(args: readonly string[], context: CommandContext): Promise<number> {
  let exitCode: ExitCode = 0;
  let help = '';
  const program = createProgram(context, {
    finish: (code) => {
      exitCode = code;
    },
    showHelp: (text) => {
      help += text;
    },
  });
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

interface ProgramHooks {
  readonly finish: (code: ExitCode) => void;
  readonly showHelp: (text: string) => void;
}

type Work<O> = (context: CommandContext, options: O) => Promise<ExitCode>;

/** All commands. Their code is loaded when one is called, since help and mistakes should answer at once. */
function createProgram(context: CommandContext, { finish, showHelp }: ProgramHooks): Command {
  const run =
    <O>(load: () => Promise<Work<O>>) =>
    async (options: O): Promise<void> =>
      finish(await (await load())(context, options));

  const program = new Command('curfew')
    .description('Looks after Curfew from the shell, also beside a running server. See docs/cli.md.')
    .exitOverride()
    .configureOutput({ writeOut: showHelp, writeErr: (text) => context.terminal.say(text.trimEnd()) });

  const sessions = program.command('sessions').description('who is signed in, and ending it');
  sessions
    .command('list')
    .description('list the sessions that could be used now, oldest first')
    .option('--user <username>', 'only those of one person')
    .option(...JSON_FLAG)
    .action(run(async () => (await import('./list-sessions.ts')).listSessions));
  sessions
    .command('revoke')
    .description('end the sessions, broker tokens and cached values of one person or of everybody')
    .option('--user <username>', 'of this person')
    .addOption(new Option('--all', 'of everybody who has a session or a broker token').conflicts('user'))
    .option('--yes', 'do not ask before ending everybody')
    .option(...JSON_FLAG)
    .action(async (options, command: Command) => {
      if (options.user === undefined && !options.all)
        command.error('error: say whose: --user USERNAME, or --all');
      if (options.all && !options.yes && !context.terminal.interactive)
        command.error('error: --all without a terminal to ask at needs --yes');
      await run(async () => (await import('./revoke-sessions.ts')).revokeSessions)(options);
    });

  program
    .command('sweep')
    .description('end everything from before the last cutoff, as the server does at the cutoff by itself')
    .option(
      '--at <instant>',
      'as if the cutoff had been then: ISO 8601, in Indian time where it names no offset',
      readInstant,
    )
    .option('--dry-run', 'only count what would end')
    .option(...JSON_FLAG)
    .action(run(async () => (await import('./sweep.ts')).sweep));

  const users = program.command('users').description('the people who may sign in');
  users
    .command('list')
    .description('list everybody')
    .option(...JSON_FLAG)
    .action(run(async () => (await import('./list-users.ts')).listUsers));
  users
    .command('create')
    .description('make an account; prints a temporary password once, unless one is given')
    .requiredOption('--username <username>', 'what they sign in with')
    .requiredOption('--email <address>', 'where they can be reached')
    .addOption(new Option('--role <role>', 'what they may do').choices(['admin', 'user']).default('user'))
    .option(...STDIN_FLAG)
    .option(...JSON_FLAG)
    .action(run(async () => (await import('./create-user.ts')).createUser));
  users
    .command('disable')
    .description('end everything of somebody and let them sign in no more')
    .argument('<username>')
    .option(...JSON_FLAG)
    .action((username, options) =>
      run(async () => (await import('./disable-user.ts')).disableUser)({ ...options, username }),
    );
  users
    .command('enable')
    .description('let somebody sign in again who was disabled')
    .argument('<username>')
    .option(...JSON_FLAG)
    .action((username, options) =>
      run(async () => (await import('./enable-user.ts')).enableUser)({ ...options, username }),
    );
  users
    .command('reset-password')
    .description(
      'give somebody a new password and end everything that began with the old one, API keys included',
    )
    .argument('<username>')
    .option(...STDIN_FLAG)
    .option('--keep-api-keys', 'do not revoke their API keys')
    .option(...JSON_FLAG)
    .action((username, options) =>
      run(async () => (await import('./reset-password.ts')).resetPassword)({ ...options, username }),
    );

  const bans = program.command('bans').description('the addresses that get nothing');
  bans
    .command('list')
    .description('list the bans that are in force, oldest first')
    .option(...JSON_FLAG)
    .action(run(async () => (await import('./list-bans.ts')).listBans));
  bans
    .command('add')
    .description('ban an address; of an IPv6 one, its /64')
    .argument('<address>')
    .addOption(new Option('--for <length>', 'how long').choices(BAN_LENGTHS).default('24h'))
    .option('--reason <words>', 'for whoever asks later')
    .option(...JSON_FLAG)
    .action((address, options) =>
      run(async () => (await import('./add-ban.ts')).addBan)({ ...options, address }),
    );
  bans
    .command('remove')
    .description('lift a ban, also when no administrator can get in')
    .argument('<address>')
    .option('--forget', 'its offences as well, so that the next automatic ban is not longer')
    .option(...JSON_FLAG)
    .action((address, options) =>
      run(async () => (await import('./remove-ban.ts')).removeBan)({ ...options, address }),
    );

  const audit = program.command('audit').description('what was done, by whom and from where');
  audit
    .command('verify')
    .description('prove that no row was edited, deleted or inserted; say where the chain is broken')
    .option(
      '--head <seq:hash>',
      'a head that was kept elsewhere: it must be part of the chain',
      readChainHead,
    )
    .option('--file <export>', 'an export, in place of the database')
    .option(...JSON_FLAG)
    .action(run(async () => (await import('./verify-audit.ts')).verifyAudit));
  audit
    .command('export')
    .description('write it as JSON Lines, with the head of the chain as the last line')
    .option(
      '--since <instant>',
      'from then on: ISO 8601, in Indian time where it names no offset',
      readInstant,
    )
    .option('--until <instant>', 'what was before then', readInstant)
    .option('--output <file>', 'into a new file, for its owner alone; else to standard output')
    .option(...JSON_FLAG)
    .action(run(async () => (await import('./export-audit.ts')).exportAudit));

  program
    .command('backup')
    .description('copy the database beside a running server; on Postgres, print the commands that do')
    .argument('[file]', 'where to; it must not be there yet')
    .option(...JSON_FLAG)
    .action((file, options) =>
      run(async () => (await import('./backup/backup.ts')).backup)({ ...options, file }),
    );
  program
    .command('restore')
    .description('put a backup in the place of the database, with every session and token ended')
    .argument('[file]', 'the backup')
    .option('--after-pg-restore', 'on Postgres: end what pg_restore brought back, and what lives on')
    .option('--server-stopped', 'no server runs: where the present database is too damaged to tell')
    .option(
      '--keep-api-keys',
      'let the API keys of the backup live where the present database cannot say which were revoked since',
    )
    .option('--yes', 'do not ask')
    .option(...JSON_FLAG)
    .action(async (file, options, command: Command) => {
      if (file === undefined && !options.afterPgRestore)
        command.error('error: name the backup, or, on Postgres, --after-pg-restore');
      if (file !== undefined && !options.yes && !context.terminal.interactive)
        command.error('error: without a terminal to ask at, restore needs --yes');
      await run(async () => (await import('./backup/restore.ts')).restore)({ ...options, file });
    });

  const keys = program.command('keys').description('the keys that protect broker tokens');
  keys
    .command('rotate')
    .description('encrypt everything anew with the first key of ENCRYPTION_KEY, also beside a running server')
    .option(...JSON_FLAG)
    .action(run(async () => (await import('./rotate-keys.ts')).rotateKeys));

  const symbols = program.command('symbols').description('the instruments that people search');
  symbols
    .command('import')
    .description('import a broker’s instrument master in place of its last one, also beside a running server')
    .argument('<file>', 'its CSV file, as it is or gzipped')
    .addOption(
      new Option('--broker <id>', 'whose it must be; else its columns tell').choices([...MASTER_BROKERS]),
    )
    .option(...JSON_FLAG)
    .action((file, options) =>
      run(async () => (await import('./import-symbols.ts')).importSymbols)({ ...options, file }),
    );

  const apiKeys = program
    .command('api-keys')
    .description('the keys that people’s programs call the API with');
  apiKeys
    .command('list')
    .description('list the API keys, by owner')
    .option('--user <username>', 'only those of one person')
    .option(...JSON_FLAG)
    .action(run(async () => (await import('./list-api-keys.ts')).listApiKeys));
  apiKeys
    .command('revoke')
    .description('end one API key for good')
    .argument('<id>', 'its public part, as the list shows it')
    .option(...JSON_FLAG)
    .action((id, options) =>
      run(async () => (await import('./revoke-api-key.ts')).revokeApiKey)({ ...options, id }),
    );

  program
    .command('doctor')
    .description('look at settings, database, Redis and clock, and say what to mend')
    .option(...JSON_FLAG)
    .action(run(async () => (await import('./doctor/doctor.ts')).doctor));
  return program;
}
