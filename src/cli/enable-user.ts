import { Argument } from 'commander';
import { CLI_ORIGIN } from './cli-origin.ts';
import type { CliCommand, CommandContext, ExitCode } from './command.ts';
import { unknownUser } from './find-user.ts';
import { toJson } from './json.ts';
import { userRecord } from './user-record.ts';
import { withServices } from './with-services.ts';

interface EnableUserOptions {
  readonly username: string;
  readonly json?: boolean;
}

export const command: CliCommand<EnableUserOptions> = {
  arguments: [new Argument('<username>')],
  run: enableUser,
};

/** Lets a disabled user sign in again. */
function enableUser(context: CommandContext, { username, json }: EnableUserOptions): Promise<ExitCode> {
  return withServices<ExitCode>(context, async ({ accounts: { userAdmin } }) => {
    const done = await userAdmin.enable(username, CLI_ORIGIN);
    if (done.kind === 'unknown_user') throw unknownUser(username);
    const { user } = done;
    await context.terminal.print(json ? toJson({ user: userRecord(user) }) : `Enabled ${user.username}.`);
    return 0;
  });
}
