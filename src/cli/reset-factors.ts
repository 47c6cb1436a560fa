import { Argument } from 'commander';
import { CLI_ORIGIN } from './cli-origin.ts';
import type { CliCommand, CommandContext, ExitCode } from './command.ts';
import { unknownUser } from './find-user.ts';
import { toJson } from './json.ts';
import { userRecord } from './user-record.ts';
import { withServices } from './with-services.ts';

interface ResetFactorsOptions {
  readonly username: string;
  readonly json?: boolean;
}

export const command: CliCommand<ResetFactorsOptions> = {
  arguments: [new Argument('<username>')],
  run: resetFactors,
};

/** Removes a user's authenticator app, passkeys and recovery codes. */
function resetFactors(context: CommandContext, { username, json }: ResetFactorsOptions): Promise<ExitCode> {
  return withServices<ExitCode>(context, async ({ accounts: { userAdmin } }) => {
    const done = await userAdmin.resetFactors(username, CLI_ORIGIN);
    if (done.kind === 'unknown_user') throw unknownUser(username);
    const { user, kind } = done;
    const wasThere = kind === 'reset';
    const text = wasThere
      ? `Second factor of ${user.username} removed.`
      : `${user.username} had no second factor.`;
    await context.terminal.print(json ? toJson({ user: userRecord(user), removed: wasThere }) : text);
    return 0;
  });
}
