import { Argument, Option } from 'commander';
import { banRecord } from '../bans/ban-export.ts';
import { readBanSubject } from '../bans/ban-subject.ts';
import { CLI_ORIGIN } from './cli-origin.ts';
import { type CliCommand, type CommandContext, CommandError, type ExitCode } from './command.ts';
import { toJson } from './json.ts';
import { withServices } from './with-services.ts';

interface RemoveBanOptions {
  readonly address: string;
  readonly forget?: boolean;
  readonly json?: boolean;
}

export const command: CliCommand<RemoveBanOptions> = {
  arguments: [new Argument('<address>')],
  options: [new Option('--forget', 'clear its offences too, so that the next automatic ban is not longer')],
  run: removeBan,
};

/** Lifts a ban, on every node: also for an administrator who got banned. */
function removeBan(context: CommandContext, options: RemoveBanOptions): Promise<ExitCode> {
  const { address, forget = false, json } = options;
  const subject = readBanSubject(address);
  if (subject === undefined)
    throw new CommandError(
      'That is no address. Write it like 203.0.113.7, or as "curfew bans list" shows it.',
    );
  return withServices<ExitCode>(context, async ({ bans }) => {
    const ban = await bans.bans.lift(subject, { forget }, CLI_ORIGIN);
    if (ban === undefined) throw new CommandError(`${subject} is not banned. See "curfew bans list".`);
    await context.terminal.print(json ? toJson({ lifted: banRecord(ban) }) : `Lifted the ban of ${subject}.`);
    return 0;
  });
}
