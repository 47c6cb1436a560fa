import { Argument } from 'commander';
import type { User } from '../accounts/user-store.ts';
import { CLI_ORIGIN } from './cli-origin.ts';
import { type CliCommand, type CommandContext, CommandError, type ExitCode } from './command.ts';
import { unknownUser } from './find-user.ts';
import { toJson } from './json.ts';
import { receiptRecord, receiptText, reportOutcome } from './receipt.ts';
import { userRecord } from './user-record.ts';
import { withServices } from './with-services.ts';

interface DisableUserOptions {
  readonly username: string;
  readonly json?: boolean;
}

export const command: CliCommand<DisableUserOptions> = {
  arguments: [new Argument('<username>')],
  run: disableUser,
};

/** Disables an account and ends its sessions and tokens. */
function disableUser(context: CommandContext, { username, json }: DisableUserOptions): Promise<ExitCode> {
  return withServices(context, async (services) => {
    const done = await services.accounts.userAdmin.disable(username, CLI_ORIGIN);
    if (done.kind === 'unknown_user') throw unknownUser(username);
    if (done.kind === 'last_admin') throw lastAdmin(done.user);
    const { user, receipt } = done;
    await context.terminal.print(
      json
        ? toJson({ user: userRecord(user), receipt: receiptRecord(receipt) })
        : `Disabled ${user.username}.\n${receiptText(receipt)}`,
    );
    return reportOutcome(context, receipt.status);
  });
}

function lastAdmin({ username }: User): CommandError {
  return new CommandError(
    `Nothing was changed. ${username} is the last admin who can sign in: make another one first (npx curfew users create --role admin), or enable one. To end only their sessions: npx curfew sessions revoke --user ${username}`,
  );
}
