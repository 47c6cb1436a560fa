import { Argument } from 'commander';
import { formatIst, toIstIso } from '../core/ist.ts';
import { CLI_ORIGIN } from './cli-origin.ts';
import { type CliCommand, type CommandContext, CommandError, type ExitCode } from './command.ts';
import { unknownUser } from './find-user.ts';
import { toJson } from './json.ts';
import { userRecord } from './user-record.ts';
import { withServices } from './with-services.ts';

interface ResetLinkOptions {
  readonly username: string;
  readonly json?: boolean;
}

export const command: CliCommand<ResetLinkOptions> = {
  arguments: [new Argument('<username>')],
  run: resetLink,
};

/** Prints a link with which a user chooses a new password. Nothing changes until they do. */
function resetLink(context: CommandContext, { username, json }: ResetLinkOptions): Promise<ExitCode> {
  return withServices<ExitCode>(context, async ({ users, accounts: { resetRequests } }) => {
    const user = await users.findByUsername(username);
    if (user === undefined) throw unknownUser(username);
    if (user.disabled) throw new CommandError(`${user.username} is disabled: enable the account first.`);
    const { url, expiresAt } = await resetRequests.forUser(user, 'operator', CLI_ORIGIN);
    await context.terminal.print(
      json
        ? toJson({ user: userRecord(user), link: url, expiresAt: toIstIso(expiresAt) })
        : [`For ${user.username}, once, until ${formatIst(expiresAt)}:`, url].join('\n'),
    );
    return 0;
  });
}
